"""The content store: images by the hash of their bytes, and the manifests that name them.

    <home>/images/ab/<sha256>.jpg|png    what networks see
    <home>/thumbs/ab/<sha256>.jpg        what pages show
    <home>/datasets/<id>.json            immutable manifests

A file is in its place whole or not at all, and never changes once it is there. Images are forced
onto the disk before the first manifest that names them, all together, because to wait for the
disk after each of them takes longer than to decode them.
"""

import errno
import hashlib
import io
import os
import re
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import Image

from core.dataset.manifest import Dataset
from core.errors import NotFound, OutOfSpace, UnusableDataset
from core.files import replace_file

THUMBNAIL_SIDE = 256
_FLUSHES_AT_ONCE = 16
"""Waiting for the disk takes no processor time, and disks serve many requests together."""
_PNG_LEVEL = 1
"""Fast; a higher level costs several times the time for a tenth of the size."""
_HASH = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{16}")
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Store:
    """Everything about images that lasts, under one home folder. Safe to use from threads."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def add(self, image: Image.Image, *, lossless: bool) -> str:
        """Write an RGB image and its thumbnail; return its hash. An image known already is kept.

        `lossless` writes a PNG instead of a JPEG. Raises OutOfSpace when the disk is full.
        """
        encoded = _png(image) if lossless else _jpeg(image, quality=95, subsampling=0)
        digest = hashlib.sha256(encoded).hexdigest()
        path = self._place("images", digest, "png" if lossless else "jpg")
        thumbnail = self._place("thumbs", digest, "jpg")
        with _full_disk_in_words():
            if not _holds(path, len(encoded)):
                _write(path, encoded)
            if not thumbnail.exists():
                _write(thumbnail, _thumbnail(image))
        return digest

    def path(self, digest: str) -> Path:
        """The stored file of an image. Raises NotFound for a hash that is none or not here."""
        for suffix in ("jpg", "png"):
            path = self._place("images", digest, suffix)
            if path.exists():
                return path
        raise NotFound("This picture is no longer stored here. Import the pictures again.")

    def thumbnail(self, digest: str) -> Path:
        """A JPEG of at most 256 × 256 px, made again if it got lost. Raises NotFound."""
        path = self._place("thumbs", digest, "jpg")
        if not path.exists():
            with self.open(digest) as image, _full_disk_in_words():
                _write(path, _thumbnail(image))
        return path

    def open(self, digest: str) -> Image.Image:
        """The stored image, decoded, RGB. Raises NotFound."""
        with Image.open(self.path(digest), formats=["JPEG", "PNG"]) as image:
            return image.convert("RGB")

    def save(self, dataset: Dataset) -> str:
        """Write the manifest once its images are safe; return its id. Raises OutOfSpace."""
        dataset_id = dataset.id
        path = self._manifest(dataset_id)
        images = {item.image for item in dataset.items}
        with _full_disk_in_words():
            with ThreadPoolExecutor(_FLUSHES_AT_ONCE) as pool:
                deque(pool.map(self._flush, images), maxlen=0)  # raises what went wrong
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, dataset.to_json())
        return dataset_id

    def load(self, dataset_id: str) -> Dataset:
        """The dataset of an id. Raises NotFound, or UnusableDataset when its file is damaged."""
        path = self._manifest(dataset_id)
        try:
            dataset = Dataset.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound("This dataset does not exist here (any more).") from None
        except UnicodeDecodeError as error:
            raise UnusableDataset(
                "The list of pictures of this dataset is damaged. Import the pictures again."
            ) from error
        return dataset

    def _flush(self, digest: str) -> None:
        with suppress(NotFound), self.path(digest).open("r+b") as file:
            os.fsync(file.fileno())

    def _place(self, kind: str, digest: str, suffix: str) -> Path:
        if not _HASH.fullmatch(digest):
            raise NotFound("That is not the address of a picture.")
        return self._home / kind / digest[:2] / f"{digest}.{suffix}"

    def _manifest(self, dataset_id: str) -> Path:
        if not _ID.fullmatch(dataset_id):
            raise NotFound("That is not the id of a dataset.")
        return self._home / "datasets" / f"{dataset_id}.json"


def _jpeg(image: Image.Image, *, quality: int, subsampling: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return buffer.getvalue()


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=_PNG_LEVEL)
    return buffer.getvalue()


def _thumbnail(image: Image.Image) -> bytes:
    scale = min(1.0, THUMBNAIL_SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # A quarter of the time of LANCZOS, for a picture that is looked at and never learned from.
    small = image.resize(size, Image.Resampling.HAMMING, reducing_gap=1.0)
    return _jpeg(small, quality=85, subsampling=2)


def _holds(path: Path, size: int) -> bool:
    """Whether the file is there in full: a disk that lost power may keep a name without bytes."""
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft.")
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


@contextmanager
def _full_disk_in_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OutOfSpace(
            "The disk is full, so not every picture could be stored. "
            "Free some space and import again; what is stored already is not written twice."
        ) from error
