"""The forms in which a model leaves: do they say what the app says, how large, how quick?

`make bench ARGS=export` trains the classifier of the emoji sample and exports it in every form. On
200 images drawn by code, of every kind, up to 4,000 px: labels that agree and the greatest
difference of a probability, up to 1,024 px and above. Megabytes; seconds to load; milliseconds an
image on one thread, and how much quicker than torch eager in the same process. `make bench
ARGS=every_backbone` exports every network of the catalogue.
"""

import copy
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core import seeding
from core.analysis.prediction import predict_files, predictions_of
from core.export.bundle import put_classify
from core.export.formats import export
from core.export.odd_images import WRITERS, write_image
from core.export.onnx_graph import ENGINE
from core.export.rehearsal import agreement, rehearse
from core.model import Model
from core.settings import Settings

_IMAGES = 200
_SMALLEST, _STORED, _LARGEST = 60, 1024, 4000
_FORMS = ("zip", "onnx", "openvino", "int8")
"""The graph of `classify` is that of `onnx`, read by the same script."""
_ROUNDS = 30


def main() -> dict[str, Any]:
    """A row for each form, and torch eager's milliseconds."""
    with tempfile.TemporaryDirectory() as space:
        folder = Path(space)
        settings = Settings(home=folder / "home")
        run = _trained(folder)
        files = _images(folder / "images")
        *_, last = predict_files(run, files, settings)
        ours = predictions_of(last.result)
        rows = {form: _form(form, run, settings, folder, files, ours) for form in _FORMS}
        times = _times(Model.load(run / "model"), folder)
    for form, found in times.items():
        rows.setdefault(form, {}).update(found)
    return rows


def _trained(folder: Path) -> Path:
    for words in (
        ("samples", "emoji", folder / "data"),
        ("train", folder / "data", "--strategy", "feature_extraction", "--out", folder / "run"),
    ):
        subprocess.run(
            [sys.executable, "-m", "core", *map(str, words)],
            env={"GRAFT_HOME": str(folder / "home"), "GRAFT_OFFLINE": "1", "PATH": ""},
            check=True,
            capture_output=True,
        )
    return folder / "run"


def _images(folder: Path) -> list[Path]:
    """Half of them up to the stored side, half above."""
    folder.mkdir()
    chance, kinds, files = seeding.numpy_generator(0, "parity"), list(WRITERS), []
    for number in range(_IMAGES):
        low, high = (_SMALLEST, _STORED) if number % 2 else (_STORED + 1, _LARGEST)
        longer = int(np.exp(chance.uniform(np.log(low), np.log(high))))
        shorter = max(_SMALLEST, int(longer * np.exp(chance.uniform(np.log(0.1), 0))))
        sides = (longer, shorter) if chance.integers(2) else (shorter, longer)
        files.append(write_image(folder, kinds[number // 2 % len(kinds)], *sides, number))
    return files


def _form(
    form: str, run: Path, settings: Settings, folder: Path, files: list[Path], ours: list[Any]
) -> dict[str, Any]:
    began = time.monotonic()
    file = folder / f"{form}.file"
    list(export(run, file, settings, form=form))
    seconds = time.monotonic() - began
    bundle = folder / form
    if form == "onnx":
        bundle.mkdir()
        put_classify(bundle, ENGINE)
        (bundle / "model.onnx").write_bytes(file.read_bytes())
    else:
        with zipfile.ZipFile(file) as archive:
            archive.extractall(bundle)
    script = "predict.py" if form == "zip" else "classify.py"
    theirs = rehearse(bundle, files, script=script)
    small, large = (agreement(ours[first::2], theirs[first::2]) for first in (1, 0))
    return {
        "export_s": round(seconds, 1),
        "mb": round(file.stat().st_size / 1e6, 1),
        "labels_to_1024": f"{small.labels_equal} of {small.n}",
        "difference_to_1024": float(f"{small.max_difference:.2g}"),
        "labels_above": f"{large.labels_equal} of {large.n}",
        "difference_above": float(f"{large.max_difference:.2g}"),
    }


def _times(model: Model, folder: Path) -> dict[str, dict[str, float]]:
    """Seconds to load, and median milliseconds of one image on one thread, in turn."""
    size = model.preprocessing.size
    pixels = seeding.numpy_generator(0, "time").integers(0, 256, (1, size, size, 3), np.uint8)
    planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    torch.set_num_threads(1)
    plain = copy.deepcopy(model.network).to(memory_format=torch.contiguous_format)

    @torch.inference_mode()
    def as_timm_makes_it() -> object:
        return plain(model.preprocessing.normalised(torch.from_numpy(planes)))

    runners: dict[str, Callable[[], object]] = {
        "torch eager": as_timm_makes_it,
        "torch eager channels_last": lambda: model.forward(planes),
    }
    found: dict[str, dict[str, float]] = {name: {} for name in runners}
    for form in ("onnx", "openvino", "int8"):
        began = time.perf_counter()
        run = _openvino(folder / form) if form == "openvino" else _onnx(folder / form)
        found[form] = {"load_s": round(time.perf_counter() - began, 2)}
        runners[form] = lambda run=run: run(pixels)  # type: ignore[misc]
    taken: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(_ROUNDS):
        for name, ask in runners.items():
            began = time.perf_counter()
            ask()
            taken[name].append(1000 * (time.perf_counter() - began))
    for name, each in taken.items():
        median = float(np.median(each))
        found[name]["ms"] = round(median, 1)
        found[name]["times_as_quick"] = round(float(np.median(taken["torch eager"])) / median, 1)
    return found


def _onnx(bundle: Path) -> Callable[[np.ndarray], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(bundle / "model.onnx", options)
    return lambda pixels: session.run(None, {"pixels": pixels})


def _openvino(bundle: Path) -> Callable[[np.ndarray], object]:
    import openvino

    chosen = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    network = openvino.Core().compile_model(bundle / "model.xml", "CPU", chosen)
    return lambda pixels: network({"pixels": pixels})


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
