"""Archives are read entry by entry; what has no business in one is left out by itself."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hostile_files import (
    class_files,
    encrypted_zip,
    jpeg,
    write_tar,
    write_zip,
)

from core.errors import RefusedArchive, UnusableDataset

pytestmark = pytest.mark.usefixtures("nothing_is_written_outside")

PETS = {"cat": 5, "dog": 5}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_read_whichever_way_it_is_packed(take_in, tmp_path: Path, mode: str) -> None:
    done = take_in(write_tar(tmp_path / "x.dat", class_files(), mode))
    assert done.dataset.counts == PETS
    assert done.skipped == {}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_zip_is_read_whichever_way_it_is_packed(take_in, tmp_path: Path, method: int) -> None:
    done = take_in(write_zip(tmp_path / "x.dat", class_files(), method))
    assert done.dataset.counts == PETS
    assert done.skipped == {}


def test_a_zip_of_the_large_kind_is_read(take_in, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name, content in class_files().items():
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(content)
    assert take_in(tmp_path / "x.zip").dataset.counts == PETS


def test_folders_as_entries_and_long_names_are_ordinary(take_in, tmp_path: Path) -> None:
    long = "n" * 180
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        folder = tarfile.TarInfo("./pets")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in class_files().items():
            member = tarfile.TarInfo(f"./pets/{name[:4]}{long}{name[4:]}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    done = take_in(tmp_path / "x.tar")
    assert done.dataset.counts == PETS
    assert done.skipped == {}


@pytest.mark.parametrize("write", [write_zip, write_tar])
@pytest.mark.parametrize(
    "name", ["../evil.jpg", "cat/../../evil.jpg", "/etc/evil.jpg", "C:/evil.jpg", "..\\evil.jpg"]
)
def test_paths_that_lead_out_are_left_out(take_in, tmp_path: Path, write, name: str) -> None:
    done = take_in(write(tmp_path / "x.dat", class_files() | {name: jpeg(9)}))
    assert done.dataset.counts == PETS
    (reason,) = done.skipped.values()
    assert "leads out" in reason


def test_backslashes_of_windows_are_folders(take_in, tmp_path: Path) -> None:
    files = {name.replace("/", "\\"): content for name, content in class_files().items()}
    assert take_in(write_zip(tmp_path / "x.zip", files)).dataset.counts == PETS


@pytest.mark.parametrize("said", [True, False])
def test_names_in_utf8_are_read_whether_they_say_so_or_not(
    take_in, tmp_path: Path, said: bool
) -> None:
    path = write_zip(tmp_path / "x.zip", {"Kätzchen/ü.jpg": jpeg(1), "dog/ü.jpg": jpeg(2)})
    if not said:  # as macOS writes it
        raw = bytearray(path.read_bytes())
        for start, offset in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
            at = raw.find(start)
            while at >= 0:
                raw[at + offset] &= ~0x08 & 0xFF
                at = raw.find(start, at + 4)
        path.write_bytes(raw)
    assert take_in(path).dataset.classes == ("Kätzchen", "dog")


def test_names_in_cp437_are_read(take_in, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"K@tz/1.jpg": jpeg(1), "dog/2.jpg": jpeg(2)})
    path.write_bytes(path.read_bytes().replace(b"K@tz", b"K\x84tz"))
    assert take_in(path).dataset.classes == ("Kätz", "dog")


def test_links_out_of_a_tar_and_devices_are_left_out(take_in, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", class_files())
    with tarfile.open(path, "a") as archive:
        for name, kind, goal in (
            ("cat/soft.jpg", tarfile.SYMTYPE, "/etc/passwd"),
            ("cat/climbs.jpg", tarfile.SYMTYPE, "../../secret.jpg"),
            ("cat/circle.jpg", tarfile.SYMTYPE, "circle.jpg"),
            ("cat/disk.jpg", tarfile.BLKTYPE, ""),
            ("cat/pipe.jpg", tarfile.FIFOTYPE, ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, goal
            archive.addfile(member)
    done = take_in(path)
    assert done.dataset.counts == PETS
    assert {name: "link" in reason for name, reason in done.skipped.items()} == {
        "cat/soft.jpg": True,
        "cat/climbs.jpg": True,
        "cat/circle.jpg": True,
        "cat/disk.jpg": False,
        "cat/pipe.jpg": False,
    }


def test_links_out_of_a_zip_are_left_out(take_in, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", class_files())
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("cat/soft.jpg")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    done = take_in(path)
    assert done.dataset.counts == PETS
    assert "link" in done.skipped["cat/soft.jpg"]


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_archives_inside_archives_stay_shut(take_in, tmp_path: Path, write) -> None:
    inner = write_zip(tmp_path / "x.inner", {"cow/1.jpg": jpeg(1)}).read_bytes()
    files = class_files() | {"cow/more.zip": inner, "cow/sneaky.jpg": inner, "more.tar.gz": b"\x1f"}
    done = take_in(write(tmp_path / "x.dat", files))
    assert done.dataset.counts == PETS
    assert "rchives inside an archive" in done.skipped["cow/more.zip"]
    assert "rchives inside an archive" in done.skipped["more.tar.gz"]
    assert "cow/sneaky.jpg" in done.skipped


def test_an_encrypted_zip_gives_one_sentence(take_in, tmp_path: Path) -> None:
    with pytest.raises(RefusedArchive, match=r"“x\.zip” is password-protected"):
        take_in(encrypted_zip(tmp_path / "x.zip", class_files()))


def test_one_encrypted_entry_costs_only_itself(take_in, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", class_files())
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    done = take_in(path)
    assert done.dataset.counts == {"cat": 4, "dog": 5}
    assert "password" in done.skipped["cat/cat0.jpg"]


def test_an_empty_archive_holds_no_image(take_in, tmp_path: Path) -> None:
    for path in (write_zip(tmp_path / "x.zip", {}), write_tar(tmp_path / "x.tar", {})):
        with pytest.raises((UnusableDataset, RefusedArchive)):
            take_in(path)
