"""An archive that is too much, lies or is broken costs a sentence, and writes nothing anywhere."""

import gzip
import struct
import tarfile
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hostile_files import (
    class_files,
    jpeg,
    long_gif,
    lying_zip,
    write_tar,
    write_zip,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.dataset.ingest.archives import archive_kind, open_archive
from core.dataset.ingest.entries import Budget
from core.errors import RefusedArchive, UnusableDataset
from core.settings import MiB, Settings

pytestmark = pytest.mark.usefixtures("nothing_is_written_outside")
PETS = {"cat": 5, "dog": 5}


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_the_limit_on_entries_is_kept(take_in, tmp_path: Path, write) -> None:
    with pytest.raises(RefusedArchive, match="more than 9 files"):
        take_in(write(tmp_path / "x.dat", class_files()), limits={"max_entries": 9})


def test_100000_entries_are_refused_quickly(take_in, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for n in range(100_000):
            archive.writestr(f"cat/{n}.jpg", b"")
    begun = time.process_time()
    with pytest.raises(RefusedArchive, match="more than 50,000 files"):
        take_in(tmp_path / "x.zip")
    assert time.process_time() - begun < 10


def test_a_list_of_files_beyond_reason_is_not_even_read(take_in, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(600 * MiB)  # a hole: costs no disk
        file.seek(600 * MiB - 22)
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 500 * MiB, 99 * MiB, 0))
    tracemalloc.start()
    with pytest.raises(RefusedArchive):
        take_in(path)
    assert tracemalloc.get_traced_memory()[1] < 50 * MiB
    tracemalloc.stop()


def bmp_bomb(size: int) -> bytes:
    return b"BM" + b"\0" * size


@pytest.mark.parametrize("mode", ["zip", "w:gz", "w:bz2", "w:xz"])
def test_a_bomb_is_stopped_by_the_bytes_that_really_come(
    take_in, tmp_path: Path, mode: str
) -> None:
    files = class_files() | {f"cow/{n}.bmp": bmp_bomb(4 * MiB) for n in range(10)}
    if mode == "zip":
        path = write_zip(tmp_path / "x.dat", files)
    else:
        path = write_tar(tmp_path / "x.dat", files, mode)
    assert path.stat().st_size < MiB
    with pytest.raises(RefusedArchive, match="larger than"):
        take_in(path, limits={"max_unpacked_bytes": 20 * MiB})
    done = take_in(path, limits={"max_file_bytes": 2 * MiB})
    assert done.dataset.counts == PETS
    assert "larger than 2 MB" in done.skipped["cow/3.bmp"]


def test_a_bomb_between_the_images_of_a_tar_counts_too(take_in, tmp_path: Path) -> None:
    files = {"a.bin": bytes(30 * MiB)} | class_files()
    path = write_tar(tmp_path / "x.tgz", files, "w:gz")
    with pytest.raises(RefusedArchive, match="larger than"):
        take_in(path, limits={"max_unpacked_bytes": 20 * MiB})


@pytest.mark.parametrize("promised", [10, 5_000, 4_000_000_000])
def test_a_header_that_lies_about_the_size_costs_only_its_entry(
    take_in, tmp_path: Path, promised: int
) -> None:
    with pytest.raises(UnusableDataset, match=r"“cat/1\.bmp”: .* damaged"):
        take_in(lying_zip(tmp_path / "x.zip", "cat/1.bmp", bmp_bomb(MiB), promised))


def test_an_endless_header_in_a_tar_is_not_read_into_memory(take_in, tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 3 * 1024 * MiB
    with gzip.open(tmp_path / "x.tgz", "wb") as packed:
        packed.write(header.tobuf())
        for _ in range(64):
            packed.write(bytes(MiB))
    tracemalloc.start()
    with pytest.raises(RefusedArchive, match="unreasonably long"):
        take_in(tmp_path / "x.tgz")
    assert tracemalloc.get_traced_memory()[1] < 20 * MiB
    tracemalloc.stop()


def test_headers_nested_without_end_are_refused(take_in, tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1
    block = header.tobuf(tarfile.GNU_FORMAT) + b"y".ljust(512, b"\0")
    (tmp_path / "x.tar").write_bytes(block * 5000)
    with pytest.raises(RefusedArchive, match="damaged"):
        take_in(tmp_path / "x.tar")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_of_a_tar_that_breaks_off_the_beginning_is_taken(
    take_in, tmp_path: Path, mode: str
) -> None:
    path = write_tar(tmp_path / "x.tar", class_files(60), mode)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * 0.9)])
    if mode == "w:bz2":  # unpacks in blocks of 900 kB: nothing is left of a small one
        with pytest.raises(RefusedArchive, match="damaged"):
            take_in(path)
        return
    done = take_in(path)
    assert done.dataset.counts["cat"] >= 50
    assert "ends early" in done.skipped["x.tar"]


def test_a_tar_that_is_damaged_in_the_middle_says_so(take_in, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", class_files(10))
    raw = bytearray(path.read_bytes())
    at = raw.index(b"dog/dog5.jpg")
    raw[at : at + 512] = b"\xaa" * 512
    path.write_bytes(raw)
    done = take_in(path)
    assert done.dataset.counts == {"cat": 10, "dog": 5}
    assert "damaged or ends early" in done.skipped["x.tar"]


@pytest.mark.parametrize("left", [10, 300, 0.5, 0.99])
def test_a_zip_that_breaks_off_is_refused_with_the_remedy(
    take_in, tmp_path: Path, left: float
) -> None:
    path = write_zip(tmp_path / "x.zip", class_files())
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * left) if left < 1 else int(left)])
    with pytest.raises(RefusedArchive, match=r"“x\.zip” is damaged or incomplete"):
        take_in(path)


def test_a_damaged_entry_of_a_zip_costs_only_itself(take_in, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", class_files())
    raw = bytearray(path.read_bytes())
    at = raw.index(b"cat/cat2.jpg") + 400
    raw[at : at + 50] = b"\xff" * 50
    path.write_bytes(raw)
    done = take_in(path)
    assert done.dataset.counts == {"cat": 4, "dog": 5}
    assert "damaged inside the archive" in done.skipped["cat/cat2.jpg"]


def test_a_gif_of_10000_frames_in_an_archive_is_quick(take_in, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"cat/1.gif": long_gif(), "dog/1.jpg": jpeg()})
    begun = time.process_time()
    assert take_in(path).dataset.counts == {"cat": 1, "dog": 1}
    assert time.process_time() - begun < 2


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["zip", "w", "w:gz"]),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12),
    st.integers(0, 10_000),
)
def test_any_damage_ends_in_entries_or_a_sentence(
    tmp_path: Path, mode: str, flips: list[tuple[int, int]], cut: int
) -> None:
    path = tmp_path / "x.dat"
    if mode == "zip":
        write_zip(path, class_files(2))
    else:
        write_tar(path, class_files(2), mode)
    raw = bytearray(path.read_bytes())
    for place, value in flips:
        raw[place % len(raw)] = value
    path.write_bytes(raw[: len(raw) - (cut % len(raw) if cut % 2 else 0)])
    limits = Settings(home=tmp_path / "home", max_unpacked_bytes=MiB, max_entries=50)
    refusals = []
    try:
        kind = archive_kind(path.name, path)
        if kind:
            entries = list(open_archive("x", path, kind, limits, Budget(limits)).entries)
            refusals = [entry.refusal for entry in entries if entry.content is None]
    except RefusedArchive as error:
        refusals = [str(error)]
    assert all(refusal.endswith(".") for refusal in refusals)
