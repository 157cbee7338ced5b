"""Trying a one-file page out: in a Chromium of this machine, or its graph where there is none."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from core.analysis.prediction import ImagePrediction, image_predictions
from core.backbones.preprocessing import Preprocessing
from core.dataset.ingest.decode import decode
from core.errors import GraftError, UnreadableImage
from core.export.chromium import BrowserFailed, find_chromium, opened
from core.model import Model, ModelOutput, model_folder
from core.settings import Settings

BROWSER, RUNTIME = "browser", "onnxruntime"
_SECONDS = 300.0
_READY = "model.then(() => '', error => String(error.message ?? error))"
_ANSWERED = """new Promise((done) => {
  const look = () => answers.length < %d || working ? setTimeout(look, 20) : done(JSON.stringify(
    answers.map(({ thumbnail, ...rest }) => rest)));
  look();
})"""
_RUN = """
import sys
import numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
graph, pixels, answers = sys.argv[1:]
session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
names = [each.name for each in session.get_outputs()]
rows = [session.run(None, {"pixels": each[None]}) for each in numpy.load(pixels)]
numpy.savez(answers, **{n: numpy.concatenate(o) for n, o in zip(names, zip(*rows))})
"""


def page_answers(
    page: Path, graph: Path, run: Path, files: Sequence[Path], settings: Settings
) -> tuple[str, list[ImagePrediction]]:
    """Where the page of this run's model was tried out, and what it says about files, a row each.

    Raises GraftError when the page opens in the browser and does not work.
    """
    browser = find_chromium()
    if browser:
        try:
            return BROWSER, in_browser(page, files, browser)
        except BrowserFailed:  # it cannot be started here, or broke off: no fault of the page
            pass
    return RUNTIME, in_runtime(graph, Model.load(model_folder(run)), files, settings)


def in_browser(page: Path, files: Sequence[Path], browser: str) -> list[ImagePrediction]:
    """The answers of the page itself, opened from its file without a network.

    Raises BrowserFailed, GraftError when the model does not start in the page.
    """
    with opened(page, browser, seconds=_SECONDS) as tab:
        if why := tab.evaluate(_READY):
            raise GraftError(f"The page was opened in a browser and did not work: {why}.")
        tab.choose("files", files)
        rows = json.loads(tab.evaluate(_ANSWERED % len(files)))
    return [_row(row) for row in sorted(rows, key=lambda row: int(row["number"]))]


def _row(said: Mapping[str, Any]) -> ImagePrediction:
    """What the page holds of an image as the app tells it."""
    if "error" in said:
        return {"image": said["name"], "error": said["error"]}
    answers = {
        own["task"]: {
            "label": own["label"],
            "probabilities": dict(own["ranked"]),
            "prediction_set": own["prediction_set"],
        }
        for own in said["tasks"]
    }
    row = {"image": said["name"], **next(iter(answers.values()))}
    row |= {"tasks": answers} if len(answers) > 1 else {}
    return cast(ImagePrediction, row | {"ood": said["ood"], "ood_score": said["ood_score"]})


def in_runtime(
    graph: Path, model: Model, files: Sequence[Path], settings: Settings
) -> list[ImagePrediction]:
    """The answers of the page's graph, run by onnxruntime in a clean process.

    Raises GraftError when it does not run.
    """
    pixels = [_pixels(file, settings, model.preprocessing) for file in files]
    there = [each for each in pixels if isinstance(each, np.ndarray)]
    space = graph.parent
    np.save(space / "pixels.npy", np.stack(there))
    names = [str(space / name) for name in (graph.name, "pixels.npy", "answers.npz")]
    try:
        subprocess.run(
            [sys.executable, "-I", "-B", "-c", _RUN, *names],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise GraftError(f"The model was tried out and did not work: {' '.join(last)}.") from error
    except subprocess.TimeoutExpired as error:
        raise GraftError("The model was tried out and took too long.") from error
    with np.load(names[-1]) as said:
        rows = _said(model, dict(said))
    return [
        {"image": file.name, "error": each} if isinstance(each, str) else next(rows)
        for file, each in zip(files, pixels, strict=True)
    ]


def _said(model: Model, output: Mapping[str, np.ndarray]) -> Iterator[ImagePrediction]:
    """What the outputs of the graph mean, a row each."""
    n = len(output["probabilities"])
    scores = output.get("unknown", [None] * n)
    # How far off an image is stands in the graph's own output, so the reference is not asked.
    alone = Model(model.network, model.description)
    features = ModelOutput(output["probabilities"], np.zeros((n, 1), np.float32))
    for row, score in zip(image_predictions(alone, [""] * n, features), scores, strict=True):
        if score is not None:
            row["ood"], row["ood_score"] = bool(score > 1), float(score)
        yield row


def _pixels(file: Path, settings: Settings, preprocessing: Preprocessing) -> np.ndarray | str:
    try:
        image: Image.Image = preprocessing.square(decode(file, settings))
    except UnreadableImage as error:
        return str(error)
    except OSError as error:
        return f"It cannot be read: {error.strerror or os.strerror(error.errno or 5)}."
    return np.asarray(image, dtype=np.uint8)
