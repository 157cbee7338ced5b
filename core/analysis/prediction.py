"""Predictions about image files, as they are shown and written: one row a file."""

import io
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypedDict, cast

import numpy as np
from PIL import Image

from core.backbones.preprocessing import Preprocessing
from core.dataset import channels, image_files
from core.dataset.channels import RGB
from core.dataset.ingest.decoded import Decoded
from core.errors import UnreadableImage
from core.evaluation.calibration import prediction_sets
from core.events import Event, Finished, Progress
from core.model import Model, ModelOutput, model_folder
from core.sandbox.bounded import Patience
from core.settings import Settings

_BATCH = 32
_MOST_SLOW_FILES = 15
"""So many may use up all the time they have; no more are tried then."""


class Answer(TypedDict, total=False):
    """What is predicted for one task."""

    label: str
    probabilities: dict[str, float]
    """By class, in class order."""
    prediction_set: list[str] | None
    """The classes of which the right one mostly is one, the likeliest first; None where too few
    images were evaluated to tell."""


class ImagePrediction(Answer, total=False):
    """One row. With several label columns the answer is that of the first."""

    image: str
    """The file's name."""
    error: str
    """Why it is no usable image; then nothing else is there."""
    tasks: dict[str, Answer]
    """With several label columns all answers, by their name."""
    ood: bool | None
    """Whether it looks like none of the classes; None where that cannot be told."""
    ood_score: float | None
    """How far it is from all training images: above 1 is out of distribution."""


def predict_files(
    run: Path,
    files: Sequence[Path],
    settings: Settings,
    *,
    names: Sequence[str] | None = None,
    thumbnails: Sequence[Path] = (),
) -> Iterator[Event]:
    """Predict image files; ends with Finished(result={"predictions": [ImagePrediction, …]}).

    `names` stand for the files (default: their own names); `thumbnails` says where to write a
    small JPEG of each that can be read (default: nowhere).
    """
    began = time.monotonic()
    what = "Predicting"
    yield Progress(what, 0, len(files))
    model = Model.load(model_folder(run))
    found: list[ImagePrediction] = []
    prepare = _preparing(model, settings)
    places: Sequence[Path | None] = thumbnails or [None for _ in files]
    named = zip(names or [file.name for file in files], files, places, strict=True)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        while batch := list(islice(named, _BATCH)):
            _, paths, small = zip(*batch, strict=True)
            prepared = list(threads.map(prepare, paths, small))
            found += _rows(model, [name for name, _, _ in batch], prepared)
            yield Progress(what, len(found), len(files))
    yield Finished(time.monotonic() - began, {"predictions": found})


class Predictor:
    """A loaded model that answers one image after the other, each as `predict_files` would."""

    def __init__(self, run: Path, settings: Settings) -> None:
        """Raises what `Model.load` does."""
        self._model = Model.load(model_folder(run))
        self._prepare = _preparing(self._model, settings)

    def answer(self, name: str, content: bytes) -> ImagePrediction:
        """What is predicted for the image that these bytes are, or why they are none."""
        return next(_rows(self._model, [name], [self._prepare(io.BytesIO(content), None)]))


def predictions_of(result: Mapping[str, Any]) -> list[ImagePrediction]:
    """The rows in the result of `predict_files`, also in one of a version before."""
    return [_upgraded(row) for row in result.get("predictions", ())]


def image_predictions(
    model: Model, names: Sequence[str], output: ModelOutput
) -> Iterator[ImagePrediction]:
    """One row for each name, from what the model says about these images."""
    description, ood_scores = model.description, model.ood_scores(output)
    for index, (name, probabilities) in enumerate(zip(names, output.probabilities, strict=True)):
        answers = {
            task: _answer(classes, probabilities[columns], description.calibration_of(task)[1])
            for task, classes, columns in description.task_outputs()
        }
        score = None if ood_scores is None else float(ood_scores[index])
        first = next(iter(answers.values()))
        row = cast(ImagePrediction, {"image": name, **first})
        if description.tasks:
            row["tasks"] = answers
        row["ood"], row["ood_score"] = None if score is None else score > 1, score
        yield row


def _answer(classes: Sequence[str], probabilities: np.ndarray, threshold: float | None) -> Answer:
    likeliest_first = np.argsort(-probabilities, kind="stable")
    found: list[str] | None = None
    if threshold is not None:
        inside = prediction_sets(probabilities[None], threshold)[0]
        found = [classes[index] for index in likeliest_first if inside[index]]
    return {
        "label": classes[int(probabilities.argmax())],
        "probabilities": dict(zip(classes, probabilities.tolist(), strict=True)),
        "prediction_set": found,
    }


def _rows(
    model: Model, names: Sequence[str], prepared: Sequence[np.ndarray | str]
) -> Iterator[ImagePrediction]:
    """Rows in the order of `names`; `prepared` holds pixels, or why there are none."""
    readable = {at: pixels for at, pixels in enumerate(prepared) if isinstance(pixels, np.ndarray)}
    found: Iterator[ImagePrediction] = iter(())
    if readable:
        output = model.forward(np.stack(list(readable.values())))
        found = image_predictions(model, [names[at] for at in readable], output)
    for name, pixels in zip(names, prepared, strict=True):
        yield {"image": name, "error": pixels} if isinstance(pixels, str) else next(found)


def _preparing(
    model: Model, settings: Settings
) -> Callable[[Path | BinaryIO, Path | None], np.ndarray | str]:
    """`_prepared` for a model; its images share the time that slow ones may take."""
    return partial(
        _prepared,
        preprocessing=model.preprocessing,
        settings=settings,
        patience=Patience(_MOST_SLOW_FILES * settings.max_reading_seconds),
    )


def _prepared(
    file: Path | BinaryIO,
    thumbnail: Path | None,
    *,
    preprocessing: Preprocessing,
    settings: Settings,
    patience: Patience,
) -> np.ndarray | str:
    from core.dataset.ingest.decode import decode_for_storage
    from core.dataset.ingest.kinds import no_such_file

    keep = preprocessing.form != RGB
    try:
        decoded = decode_for_storage(file, settings, keep=keep, patience=patience)
        if thumbnail:
            thumbnail.write_bytes(image_files.thumbnail(_to_look_at(decoded)))
        return preprocessing.pixels(decoded.image if decoded.array is None else decoded.array)
    except UnreadableImage as error:
        return str(error)
    except (FileNotFoundError, IsADirectoryError):
        return no_such_file(str(file))
    except OSError as error:
        return f"The image cannot be read: {error.strerror or 'the file is damaged'}."


def _to_look_at(decoded: Decoded) -> Image.Image:
    return decoded.image if decoded.array is None else channels.to_look_at(decoded.array)


_RENAMED = {"set": "prediction_set", "unknown": "ood", "unknown_score": "ood_score"}


def _upgraded(row: Mapping[str, Any]) -> ImagePrediction:
    made = {_RENAMED.get(name, name): value for name, value in row.items()}
    if made.get("tasks"):
        made["tasks"] = {task: _upgraded(answer) for task, answer in made["tasks"].items()}
    return cast(ImagePrediction, made)
