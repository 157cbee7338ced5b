"""A dataset version back out: a ZIP of class folders that anything can read, this program too.

    cat/1.jpg                  unlabelled/1.jpg      with ready parts: train/cat/1.jpg
    dataset.json               source/cat/1.jpg

Names come from outside, so each is made harmless and unique before it becomes a path.
"""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from PIL import Image

from core.dataset.manifest import Dataset, Item
from core.dataset.safe_names import harmless, unique
from core.dataset.store import Store
from core.events import Event, Finished, Progress

_WORK = "Packing your images"
_SECONDS_BETWEEN_NEWS = 0.25
_OLDEST = (1980, 1, 1, 0, 0, 0)


def export_folders(dataset: Dataset, store: Store, file: Path) -> Iterator[Event]:
    """Write the ZIP, one image after the other; it stands under its name once it is whole.

    Images are as stored; those kept as they are become PNG (grey) or TIFF (many channels).
    Yields Progress, then Finished with {"file": name, "images": n}. Raises NotFound when an image
    is gone, OSError when the disk is full; then no file is left.
    """
    began = news = time.monotonic()
    draft = file.with_name(f".{file.name}.draft")
    names, written = _names(dataset), list[str]()
    try:
        # Images are packed already; another round would take long and save nothing.
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
            for number, (item, name) in enumerate(zip(dataset.items, names, strict=True)):
                suffix, content = as_file(store, item.image)
                archive.writestr(_entry(f"{name}{suffix}"), content)
                if time.monotonic() - news >= _SECONDS_BETWEEN_NEWS:
                    news = time.monotonic()
                    yield Progress(_WORK, number + 1, len(names))
                written.append(f"{name}{suffix}")
            archive.writestr(_entry("dataset.json"), _about(dataset, written), zipfile.ZIP_DEFLATED)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    yield Finished(time.monotonic() - began, {"file": file.name, "images": len(names)})


def _names(dataset: Dataset) -> list[str]:
    """The path of each item in the archive, without its suffix; no two differ only by case."""
    ready = any(item.part for item in dataset.items)
    roles = {item.role for item in dataset.items} - {"labelled"}
    folders = _class_folders(dataset, {*roles, *(("train", "val", "test") if ready else ())})
    taken: set[str] = set()
    names = []
    for item in dataset.items:
        part = item.part or ("train" if ready and item.role == "labelled" else "")
        role = "" if item.role == "labelled" else item.role
        label = folders[item.label] if item.label is not None else ""
        parts = (part, role, label, harmless(PurePosixPath(item.name).stem))
        names.append(unique("/".join(filter(None, parts)), taken))
    return names


def _class_folders(dataset: Dataset, reserved: set[str]) -> dict[str, str]:
    """A folder for each class; none is called like a folder that means something else here."""
    labels = {item.label for item in dataset.items if item.label is not None}
    taken = {each.casefold() for each in reserved}
    return {label: unique(harmless(label), taken) for label in sorted(labels)}


def as_file(store: Store, digest: str) -> tuple[str, bytes]:
    """Suffix and bytes of a stored image as a file that other programs can open, all of it."""
    path = store.path(digest)
    if path.suffix != ".npy":
        return path.suffix, store.read(digest)
    values, buffer = store.array(digest), io.BytesIO()
    if values.shape[2] == 1:
        Image.fromarray(values[..., 0]).save(buffer, "PNG")
        return ".png", buffer.getvalue()
    from tifffile import imwrite

    # Without colour: how many channels there are says nothing about what they are.
    imwrite(buffer, values, photometric="minisblack", planarconfig="contig", metadata=None)
    return ".tif", buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """Always of the same time, so that the same version gives the same file."""
    entry = zipfile.ZipInfo(name, _OLDEST)
    entry.external_attr = 0o644 << 16
    return entry


def _about(dataset: Dataset, files: list[str]) -> str:
    content = {
        "title": dataset.title,
        "source": dataset.source,
        "licence": dataset.licence,
        "history": _history(dataset),
        "version": dataset.id,
        "parent": dataset.parent,
        "tasks": dataset.tasks,
        "images": [
            {"file": file, **_said(item)} for file, item in zip(files, dataset.items, strict=True)
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _said(item: Item) -> dict[str, object]:
    """What a path cannot say, or only with another name; what is usual is left out."""
    said = {
        "class": item.label,
        "name": item.name,
        "sha256": item.image,
        "role": item.role,
        "part": item.part,
        "group": item.group,
        "labels": item.labels,
    }
    return {key: value for key, value in said.items() if value not in (None, (), "labelled")}


def _history(dataset: Dataset) -> str:
    if dataset.parent is None:
        return f"This is version {dataset.id}, as first imported."
    changed = f": {dataset.change}" if dataset.change else ""
    return f"This is version {dataset.id}, made from version {dataset.parent}{changed}."
