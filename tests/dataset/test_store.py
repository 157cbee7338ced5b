"""Images by the hash of their bytes: written once, whole, and found again."""

import errno
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hostile_files import photo
from PIL import Image

from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import NotFound, OutOfSpace, UnusableDataset


def test_an_image_is_found_by_the_hash_of_its_file(store: Store) -> None:
    digest = store.add(photo(), lossless=False)
    path = store.path(digest)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    assert path.parent.name == digest[:2]
    assert path.suffix == ".jpg"
    difference = np.abs(np.asarray(store.open(digest)).astype(int) - np.asarray(photo())).mean()
    assert difference < 2


def test_lossless_is_lossless(store: Store) -> None:
    digest = store.add(photo(), lossless=True)
    assert store.path(digest).suffix == ".png"
    assert store.open(digest).tobytes() == photo().tobytes()


def test_a_thumbnail_is_written_at_the_same_time(store: Store, tmp_path: Path) -> None:
    digest = store.add(photo(0, (1000, 500)), lossless=False)
    written = tmp_path / "home" / "thumbs" / digest[:2] / f"{digest}.jpg"
    assert written.exists()
    with Image.open(written) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("JPEG", (250, 125))
    assert store.thumbnail(digest) == written


def test_a_small_image_is_its_own_thumbnail(store: Store, tmp_path: Path) -> None:
    digest = store.add(photo(0, (400, 300)), lossless=False)
    assert store.thumbnail(digest) == store.path(digest)
    assert not (tmp_path / "home" / "thumbs").exists()
    assert store.open_thumbnail(digest).size == (256, 192)


def test_a_lost_thumbnail_is_made_again(store: Store) -> None:
    digest = store.add(photo(0, (1000, 500)), lossless=False)
    store.thumbnail(digest).unlink()
    assert store.thumbnail(digest).exists()


def test_the_same_image_is_written_once(store: Store) -> None:
    digest = store.add(photo(), lossless=False)
    before = store.path(digest).stat()
    assert store.add(photo(), lossless=False) == digest
    assert store.path(digest).stat().st_ino == before.st_ino


def test_an_image_that_lost_its_bytes_is_written_again(store: Store) -> None:
    digest = store.add(photo(), lossless=False)
    store.path(digest).write_bytes(b"")
    store.add(photo(), lossless=False)
    assert store.open(digest).size == (320, 240)


def test_many_threads_may_add_the_same_images(store: Store, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(lambda n: store.add(photo(n % 3), lossless=False), range(48)))
    assert len(set(digests)) == 3
    files = [path for path in (tmp_path / "home" / "images").rglob("*") if path.is_file()]
    assert {path.stem for path in files} == set(digests)


@pytest.mark.parametrize("address", ["", "../../etc/passwd", "a" * 63, "A" * 64, "g" * 64, "a\n"])
def test_only_addresses_are_turned_into_paths(store: Store, address: str) -> None:
    for ask in (store.path, store.thumbnail, store.open, store.load):
        with pytest.raises(NotFound):
            ask(address)


def test_an_unknown_address_is_not_found(store: Store) -> None:
    for ask in (store.path, store.thumbnail, store.open):
        with pytest.raises(NotFound):
            ask("a" * 64)
    with pytest.raises(NotFound):
        store.load("a" * 16)


def test_a_dataset_comes_back_as_it_was(store: Store) -> None:
    dataset = Dataset("Pets", (Item("a" * 64, "cat", "x/1.jpg"),), source="home", licence="mine")
    assert store.save(dataset) == dataset.id
    assert store.load(dataset.id) == dataset


def test_a_dataset_is_read_once(store: Store, tmp_path: Path) -> None:
    dataset = Dataset("Pets", (Item("a" * 64, "cat", "x/1.jpg"),))
    store.save(dataset)
    assert Store(tmp_path / "home").load(dataset.id) is store.load(dataset.id)
    (tmp_path / "home" / "datasets" / f"{dataset.id}.json").unlink()
    with pytest.raises(NotFound):
        store.load(dataset.id)


def test_a_damaged_manifest_gives_a_sentence(store: Store, tmp_path: Path) -> None:
    dataset = Dataset("Pets", (Item("a" * 64, "cat", "x/1.jpg"),))
    file = tmp_path / "home" / "datasets" / f"{store.save(dataset)}.json"
    for content in (b"", b"{}", b"\xff\xfe", b'{"format": 2, "items": [{}]}', b"[]"):
        file.write_bytes(content)
        with pytest.raises(UnusableDataset):
            store.load(dataset.id)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_in_words_and_leaves_no_half_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    digest = store.add(photo(), lossless=False)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutOfSpace, match="disk is full"):
        store.save(Dataset("x", (Item(digest, "cat", "1.jpg"),)))
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutOfSpace, match="disk is full"):
        store.add(photo(1), lossless=False)
    names = {path.stem for path in (tmp_path / "home").rglob("*") if path.is_file()}
    assert names == {digest}


def test_another_error_of_the_disk_stays_what_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "I/O error")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="I/O error"):
        store.add(photo(), lossless=False)
