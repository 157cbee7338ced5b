"""The content store: images by the hash of their bytes, and the manifests that name them.

    <home>/images/ab/<sha256>.jpg|png|npy    what networks see
    <home>/thumbs/ab/<sha256>.jpg            what pages show, unless the image itself is small
    <home>/datasets/<id>.json                immutable manifests

A file is in its place whole or not at all, and never changes once it is there: where it has, it
is told by its hash and not used. A thumbnail ends with the hash of what stands before it. Images
are forced onto the disk before the first manifest that names them, all together, because to wait
for the disk after each of them takes longer than to decode them.
"""

import errno
import hashlib
import io
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from core.dataset import channels, image_files
from core.dataset.channels import RGB, Array, Form
from core.dataset.durability import flush
from core.dataset.ingest.decoded import Decoded
from core.dataset.manifest import DAMAGED, Dataset
from core.errors import Damaged, NotFound, OutOfSpace, UnusableDataset
from core.files import replace_file
from core.storage import SUFFIXES, storage

_DATASETS_IN_MEMORY = 4
_DRAFT = ".draft."
_HASH = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{16}")
_FULL = (errno.ENOSPC, errno.EDQUOT)
GONE = "This image is no longer stored. Import the images again."


class Store:
    """Everything about images that lasts, under one home folder. Safe to use from threads."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def add(self, image: Image.Image, *, lossless: bool) -> str:
        """Write an RGB image and its thumbnail; return its hash. An image known already is kept.

        `lossless` writes a PNG instead of a JPEG. Raises OutOfSpace when the disk is full.
        """
        encoded = image_files.png(image) if lossless else image_files.jpeg(image)
        return self._add(encoded, "png" if lossless else "jpg", image)

    def take(self, decoded: Decoded) -> str:
        """As `add`, in the form that is best for it: as it came, encoded, or as an array."""
        if decoded.array is not None:
            return self._add(
                channels.to_bytes(decoded.array), "npy", channels.to_look_at(decoded.array)
            )
        if decoded.plain is None:
            return self.add(decoded.image, lossless=decoded.lossless)
        suffix = "png" if decoded.plain.startswith(b"\x89PNG") else "jpg"
        return self._add(decoded.plain, suffix, decoded.image)

    def _add(self, encoded: bytes, suffix: str, looks: Image.Image) -> str:
        digest = hashlib.sha256(encoded).hexdigest()
        path = self._place("images", digest, suffix)
        with _full_disk_in_words():
            if not _renewed(path, encoded):
                _write(path, encoded)
            if suffix == "npy" or not image_files.is_own_thumbnail(looks, len(encoded)):
                thumbnail = self._place("thumbs", digest, "jpg")
                if not _renewed(thumbnail):
                    _write(thumbnail, image_files.thumbnail(looks))
        return digest

    def path(self, digest: str) -> Path:
        """The stored file of an image. Raises NotFound for a hash that is none or not here."""
        for suffix in SUFFIXES:
            path = self._place("images", digest, suffix)
            if path.exists():
                return path
        if brought := storage().image(self._home, digest):
            return brought
        raise NotFound(GONE)

    def read(self, digest: str) -> bytes:
        """The stored file of an image. Raises NotFound, or Damaged when it is another by now."""
        path = self.path(digest)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise NotFound(GONE) from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise self._damaged(path)
        return content

    def thumbnail(self, digest: str) -> Path:
        """A small JPEG or PNG to show, made again if it got lost or damaged.

        At most 256 × 256 px; or the image itself, when that has at most 512 × 512 px in 64 KiB.
        Raises NotFound, or Damaged when it would have to be made of a damaged image.
        """
        path = self._place("thumbs", digest, "jpg")
        if image_files.is_sound_thumbnail(path):
            return path
        stored = self.path(digest)
        if stored.suffix == ".npy":
            looks = channels.to_look_at(self.array(digest))
        else:
            looks = self.open(digest)
            if image_files.is_own_thumbnail(looks, stored.stat().st_size):
                return stored
        with _full_disk_in_words():
            _write(path, image_files.thumbnail(looks))
        return path

    def open_thumbnail(self, digest: str) -> Image.Image:
        """RGB of at most 256 × 256 px, to measure or to show. Raises NotFound."""
        with Image.open(self.thumbnail(digest), formats=["JPEG", "PNG"]) as image:
            return image_files.shrunk(image.convert("RGB"))

    def open(self, digest: str) -> Image.Image:
        """The stored image, decoded, RGB. Raises NotFound, or Damaged.

        Of images kept as they are: grey repeated, 16 bits as 8, the first three of many channels.
        """
        if self.path(digest).suffix == ".npy":
            return channels.as_rgb(self.array(digest))
        with Image.open(io.BytesIO(self.read(digest)), formats=["JPEG", "PNG"]) as image:
            return image.convert("RGB")

    def array(self, digest: str) -> Array:
        """(h, w, c) of uint8 or uint16 with all the channels there are; 3 of an RGB image.

        Raises NotFound, or Damaged.
        """
        if self.path(digest).suffix != ".npy":
            return np.asarray(self.open(digest))
        return channels.from_bytes(self.read(digest))

    def form(self, digest: str) -> Form:
        """How many channels the stored image has, of how many bits; its pixels are not read.

        Raises NotFound, or Damaged when it is no image; only `array` tells whether it is the one.
        """
        path = self.path(digest)
        if path.suffix != ".npy":
            return RGB
        try:
            with path.open("rb") as file:
                return channels.form_of(file)
        except FileNotFoundError:
            raise NotFound(GONE) from None
        except (ValueError, OSError) as error:
            raise self._damaged(path) from error

    def save(self, dataset: Dataset) -> str:
        """Write the manifest once its images are safe; return its id. Raises OutOfSpace."""
        dataset_id = dataset.id
        path = self._manifest(dataset_id)
        images = {item.image for item in dataset.items}
        if dataset.parent:
            with suppress(NotFound, UnusableDataset):  # safe since that one was saved
                images -= {item.image for item in self.load(dataset.parent).items}
        with _full_disk_in_words():
            flush(self._home, self._files(images))
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, dataset.to_json())
        if storage().is_shared:
            storage().publish_dataset(path, self._files({item.image for item in dataset.items}))
        return dataset_id

    def load(self, dataset_id: str) -> Dataset:
        """The dataset of an id. Raises NotFound, or UnusableDataset when its file is damaged.

        Those asked for last are kept in memory, since they never change.
        """
        path = self._manifest(dataset_id)
        try:
            known = path.stat()
        except FileNotFoundError:
            if not storage().here(path).exists():
                raise NotFound("This dataset no longer exists.") from None
            known = path.stat()
        dataset = _loaded(path, known.st_mtime_ns, known.st_size)
        if storage().eager:
            self._gather({item.image for item in dataset.items})
        return dataset

    def _gather(self, digests: Collection[str]) -> None:
        missing = [
            digest
            for digest in digests
            if not any(self._place("images", digest, suffix).exists() for suffix in SUFFIXES)
        ]
        if missing:
            storage().gather(self._home, missing)

    def _files(self, digests: Collection[str]) -> Iterator[Path]:
        for digest in digests:
            with suppress(NotFound):
                yield self.path(digest)

    def _damaged(self, path: Path) -> Damaged:
        name = self._name_of(path.stem)
        what = f"The image “{name}”" if name else "A stored image"
        return Damaged(
            f"{what} is damaged. Import it again, or restore “{path.name}” in the folder "
            "“images” of the home folder from a backup."
        )

    def _name_of(self, digest: str) -> str:
        """What people called a stored image; empty when no dataset that can be read has it."""
        manifests = (self._home / "datasets").glob("*.json")
        for path in sorted(manifests, key=lambda path: -path.stat().st_mtime):
            if digest.encode() in path.read_bytes():
                with suppress(NotFound, UnusableDataset):
                    items = self.load(path.stem).items
                    return next((item.name for item in items if item.image == digest), "")
        return ""

    def _place(self, kind: str, digest: str, suffix: str) -> Path:
        if not _HASH.fullmatch(digest):
            raise NotFound("That is not the address of an image.")
        return self._home / f"{kind}/{digest[:2]}/{digest}.{suffix}"

    def _manifest(self, dataset_id: str) -> Path:
        if not _ID.fullmatch(dataset_id):
            raise NotFound("That is not the id of a dataset.")
        return self._home / "datasets" / f"{dataset_id}.json"


def _renewed(path: Path, content: bytes | None = None) -> bool:
    """Whether the file is there in full; if so, it counts as new, so that no sweep takes it.

    A disk that lost power may keep a name without all of its bytes, and any disk may spoil some.
    """
    try:
        os.utime(path)
        return path.read_bytes() == content if content is not None else path.stat().st_size > 0
    except FileNotFoundError:
        return False


_number = count()


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{_DRAFT}{os.getpid()}.{next(_number)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(handle, "wb", buffering=0) as file:
            rest = memoryview(content)
            while rest:
                rest = rest[file.write(rest) :]
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@lru_cache(maxsize=_DATASETS_IN_MEMORY)
def _loaded(path: Path, written_ns: int, size: int) -> Dataset:
    try:
        return Dataset.from_json(path.read_text(encoding="utf-8"), known_as=path.stem)
    except FileNotFoundError:
        raise NotFound("This dataset no longer exists.") from None
    except UnicodeDecodeError as error:
        raise UnusableDataset(DAMAGED) from error


@contextmanager
def _full_disk_in_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OutOfSpace(
            "The disk is full, so not every image could be stored. Free some space and import "
            "again; stored images are kept."
        ) from error
