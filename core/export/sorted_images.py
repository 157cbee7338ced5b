"""Images that were asked about, sorted into a folder for each class: in a ZIP, or as copies.

    cat/1.jpg    cat/1 (2).jpg    unknown/IMG_7.jpg

Files keep their own names, made harmless; of two alike the second is numbered. What is like none
of the classes goes to "unknown".
"""

import re
import shutil
import time
import zipfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.dataset.laid_out import require_room
from core.dataset.safe_names import harmless, unique
from core.errors import BadInput, NotFound
from core.events import Event, Finished, Progress, Skipped
from core.settings import Settings

UNKNOWN = "unknown"
_WORK = "Sorting your images"
_SECONDS_BETWEEN_NEWS = 0.25
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")
_GONE = "The file is no longer here. Add it again."


@dataclass(frozen=True, slots=True)
class SortedImage:
    """One file and where it belongs. Name and class are text from outside."""

    name: str
    """The path as it was brought."""
    path: Path
    label: str | None
    """The class; None for one like none of the classes."""


def sort_into_zip(images: Sequence[SortedImage], file: Path, settings: Settings) -> Iterator[Event]:
    """Write the ZIP, one file after the other; it stands under its name once it is whole.

    Yields Progress, Skipped for files that are gone, and Finished with {"file": name, "images": n}.
    Raises NotFound when all are gone, OutOfSpace; then no file is left.
    """
    require_room(file.parent, _bytes(images), settings)
    draft = file.with_name(f".{file.name}.draft")
    try:
        # Images are packed already; another round would take long and save nothing.
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
            last = yield from _sort(images, archive.write)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    yield Finished(last.seconds, {"file": file.name, **last.result})


def sort_into_folder(
    images: Sequence[SortedImage], folder: Path, settings: Settings
) -> Iterator[Event]:
    """Copy the files into folders inside `folder`, which must be empty or not there yet.

    Yields as `sort_into_zip`, the Finished with {"folder": path, "images": n}. Raises BadInput for
    a folder with something in it, NotFound when all are gone, OutOfSpace.
    """
    require_empty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    require_room(folder, _bytes(images), settings)

    def copy(source: Path, name: str) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source, folder / name)

    last = yield from _sort(images, copy)
    yield Finished(last.seconds, {"folder": str(folder), **last.result})


def require_empty(folder: Path) -> None:
    """Raise BadInput unless files can be sorted into this folder without touching others."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"“{folder}” is a file. Name a new or empty folder.")
    if folder.is_dir() and any(folder.iterdir()):
        raise BadInput(f"The folder “{folder}” is not empty. Name a new or empty one.")


def places(images: Sequence[SortedImage]) -> list[str]:
    """Where each image goes: a folder and a file name, safe on every system; no two differ only
    by case."""
    labels = sorted({image.label for image in images if image.label is not None})
    reserved = {UNKNOWN}
    folders: dict[str | None, str] = {label: unique(harmless(label), reserved) for label in labels}
    folders[None] = UNKNOWN
    taken: set[str] = set()
    return [
        unique(f"{folders[image.label]}/{stem}", taken, suffix)
        for image in images
        for stem, suffix in [_stem_and_suffix(image.name)]
    ]


def _stem_and_suffix(name: str) -> tuple[str, str]:
    last = PurePosixPath(name.replace("\\", "/")).name
    suffix = PurePosixPath(last).suffix
    suffix = suffix if _SUFFIX.fullmatch(suffix) else ""
    return harmless(last.removesuffix(suffix)), suffix


def _sort(
    images: Sequence[SortedImage], put: Callable[[Path, str], None]
) -> Generator[Event, None, Finished]:
    began = news = time.monotonic()
    written = 0
    yield Progress(_WORK, 0, len(images))
    for done, (image, name) in enumerate(zip(images, places(images), strict=True), 1):
        try:
            put(image.path, name)
            written += 1
        except FileNotFoundError:
            yield Skipped(image.name, _GONE)
        if time.monotonic() - news >= _SECONDS_BETWEEN_NEWS:
            news = time.monotonic()
            yield Progress(_WORK, done, len(images))
    if not written:
        raise NotFound("None of these images is here any longer. Predict them again.")
    return Finished(time.monotonic() - began, {"images": written})


def _bytes(images: Sequence[SortedImage]) -> int:
    total = 0
    for image in images:
        with suppress(OSError):
            total += image.path.stat().st_size
    return total
