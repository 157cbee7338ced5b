"""The answers of a predict job: about which files, under which names, and what a person corrected.

unpacked/0, 1, …     what was in archives, beside the job
thumbnails/0, 1, …   a small JPEG of each image that could be read, by the number of its answer
corrections.json     right classes by the number of the answer: {"labels": {"3": "oak"}}
"""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, cast

from filelock import FileLock

from core.analysis.prediction import ImagePrediction, predictions_of
from core.dataset.classes import clean_class, shortened
from core.errors import BadInput, NotFound
from core.events import Event, Finished
from core.files import read_sealed, replace_file, sealed
from core.jobs.folder import events_file, result_file
from core.jobs.log import scan
from core.jobs.permission import require_job
from core.jobs.spec import JobSpec

_UNREADABLE = "These answers can no longer be read. Predict the images again."
_DAMAGE = (TypeError, ValueError, AttributeError, LookupError)


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer, and the file that it is about."""

    number: int
    """Counts from 0; it names the answer as long as the job is there."""
    row: ImagePrediction
    """`image` is the name as brought. Not to be changed: it is shared."""
    file: Path | None
    """None when there is no file to be had."""

    @property
    def is_readable(self) -> bool:
        """Whether it is an image that was answered."""
        return "error" not in self.row

    @property
    def label(self) -> str | None:
        """The class that was answered; None for an image like none of the classes."""
        return None if self.row.get("ood") else self.row.get("label")

    @property
    def confidence(self) -> float:
        """The probability of the likeliest class, 0 to 1."""
        return float(self.row.get("probabilities", {}).get(self.row.get("label", ""), 0.0))


def unpacked_folder(folder: Path) -> Path:
    """Where the job puts what was in archives."""
    return result_file(folder, "unpacked")


def thumbnail_file(folder: Path, number: int) -> Path:
    """The small JPEG of an image that was asked about."""
    return result_file(folder, "thumbnails") / str(number)


def finished_result(folder: Path) -> dict[str, Any] | None:
    """The result of the job's last event, if it is a Finished."""
    last: deque[Event] = deque((event for event, _ in scan(folder)), maxlen=1)
    result = last[0].result if last and isinstance(last[0], Finished) else None
    return result if isinstance(result, dict) else None


def answers_of(folder: Path) -> tuple[Answered, ...]:
    """All answers of the job in this folder, in the order of the files.

    Raises NotFound when it is not finished, is no predict job, or cannot be read, and for whoever
    may not look at it.
    """
    require_job("look", folder)
    try:
        changed = events_file(folder).stat()
    except OSError as error:
        raise NotFound(_UNREADABLE) from error
    return _answers(folder, changed.st_mtime_ns, changed.st_size)


@lru_cache(maxsize=4)
def _answers(folder: Path, changed: int, size: int) -> tuple[Answered, ...]:
    result = finished_result(folder)
    if result is None or "predictions" not in result:
        raise NotFound(_UNREADABLE)
    try:
        rows = [dict(row) for row in predictions_of(result)]
        files = [*_files(folder, result)]
        names = [] if "files" in result else _args(folder).get("names", [])
        for row, name in zip(rows, names, strict=False):
            row["image"] = name
        files += [None] * (len(rows) - len(files))
        return tuple(
            Answered(number, cast(ImagePrediction, row), file)
            for number, (row, file) in enumerate(zip(rows, files, strict=False))
        )
    except _DAMAGE as error:
        raise NotFound(_UNREADABLE) from error


def _files(folder: Path, result: Mapping[str, Any]) -> Iterator[Path | None]:
    """Where each file lies: written by this version relative to the home, before in the spec."""
    if "files" not in result:
        yield from map(Path, _args(folder).get("files", []))
        return
    home = folder.parents[1]
    for name in result["files"]:
        inside = name and not PurePosixPath(name).is_absolute() and ".." not in name.split("/")
        yield home / name if inside else None


def _args(folder: Path) -> dict[str, Any]:
    try:
        return JobSpec.read(folder).args
    except NotFound:
        return {}


def corrections(folder: Path) -> dict[int, str]:
    """The right classes that somebody gave, by the number of the answer; none where that was never
    done, or is damaged."""
    try:
        labels = json.loads(read_sealed(_corrections_file(folder)))["labels"]
        return {int(number): str(label) for number, label in labels.items()}
    except (OSError, RecursionError, *_DAMAGE):
        return {}


def correct(folder: Path, changes: Mapping[int, str | None]) -> dict[int, str]:
    """Note right classes, and with None take them back; gives all there are.

    Raises BadInput for an answer that is none or is about no image, NotAllowed for whoever may not
    test.
    """
    require_job("test", folder)
    readable = {each.number for each in answers_of(folder) if each.is_readable}
    if not readable.issuperset(changes):
        raise BadInput("Only an answer about an image can be corrected. Reload the page.")
    clean = {
        number: None if label is None else shortened(clean_class(label))
        for number, label in changes.items()
    }
    with FileLock(result_file(folder, "corrections.lock")):
        both: dict[int, str | None] = {**corrections(folder), **clean}
        known = {number: label for number, label in sorted(both.items()) if label is not None}
        text = json.dumps({"labels": {str(n): label for n, label in known.items()}})
        replace_file(_corrections_file(folder), sealed(text))
    return known


def _corrections_file(folder: Path) -> Path:
    return result_file(folder, "corrections.json")
