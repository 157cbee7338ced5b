"""Files that are there by name only are named with what to do about them."""

import zipfile
from pathlib import Path

import pytest
from hostile_files import class_files, jpeg, write_folder, write_tar, write_zip

from core.dataset.ingest.kinds import HEAD, what_else
from core.errors import RefusedArchive, UnusableDataset

PETS = {"cat": 5, "dog": 5}
PLACEHOLDERS = {f"bird/.IMG_{n}.jpg.icloud": b"bplist00" + bytes([n]) for n in range(4)}


@pytest.mark.parametrize("write", [write_folder, write_zip, write_tar])
def test_images_still_in_icloud_are_named_and_their_class_is_missed(
    take_in, tmp_path: Path, write
) -> None:
    done = take_in(write(tmp_path / "x.dat", class_files() | PLACEHOLDERS))
    assert done.dataset.counts == PETS
    assert done.skipped.keys() == {f"bird/IMG_{n}.jpg" for n in range(4)}
    assert all("iCloud" in reason and "Download Now" in reason for reason in done.skipped.values())
    assert any("“bird” is missing" in note and "iCloud" in note for note in done.notes)


def test_a_class_of_empty_files_does_not_vanish_without_a_word(take_in, tmp_path: Path) -> None:
    files = class_files() | {f"bird/{n}.jpg": b"" for n in range(3)}
    done = take_in(write_folder(tmp_path / "x", files))
    assert any("“bird” is missing" in note and "none of its 3" in note for note in done.notes)
    assert "available offline" in done.skipped["bird/0.jpg"]


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"", "available offline"),
        (b"\0" * 64, "only zeros"),
        (b"../../blobs/0123456789abcdef", "links followed"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12", "git lfs pull"),
        (b'{"url": "https://docs.google.com/open?id=1", "doc_id": "1"}', "Google document"),
        (b"L\0\0\0\x01\x14\x02\0" + b"x" * 40, "Windows shortcut"),
        (b"[InternetShortcut]\r\nURL=https://example.org/", "web page"),
        (b"\0" * 128 + b"DICM" + b"\x02\0", "DICOM"),
        (b"\x5c\x01\0\0" + b"\0" * 340 + b"n+1\0", "NIfTI"),
        (b"II*\0\x10\0\0\0CR\x02\0", "camera raw"),
        (b"FUJIFILMCCD-RAW 0201FF383501", "camera raw"),
        (b"\0\0\0\x18ftypcrx ", "camera raw"),
        (b"\0\0\0\x18ftypmp42" + b"x" * 20, "video"),
        (b"8BPS\0\x01" + b"x" * 20, "Photoshop"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"P1 is the best of all", "text, not an image"),
    ],
)
def test_what_is_no_image_is_named_with_the_remedy(head: bytes, word: str) -> None:
    assert word in what_else(head[:HEAD])


@pytest.mark.parametrize(
    "name", ["x.zip.001", "x.z01", "x.part1.rar", "x.r00", "x.7z.002", "x.tar.gz.aa"]
)
def test_one_part_of_a_split_archive_says_put_all_together(
    take_in, tmp_path: Path, name: str
) -> None:
    whole = write_zip(tmp_path / "x.whole", class_files()).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnusableDataset, match="join all parts"):
        take_in(tmp_path / name)
    folder = write_folder(tmp_path / "in", {name: whole[:900], f"cat/{name}": whole[900:]})
    with pytest.raises(UnusableDataset, match="join all parts"):
        take_in(folder)


def test_the_last_part_of_a_split_zip_says_so_too(take_in, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", class_files())
    raw = bytearray(path.read_bytes())
    end = raw.rindex(b"PK\x05\x06")
    raw[end + 4 : end + 8] = b"\x02\0\x02\0"
    path.write_bytes(raw)
    with pytest.raises((RefusedArchive, UnusableDataset), match="join all parts"):
        take_in(path)


@pytest.mark.parametrize(("method", "title"), [(9, "Deflate64"), (93, "Zstandard"), (98, "PPMd")])
def test_methods_of_packing_that_cannot_be_undone_are_named(
    take_in, tmp_path: Path, method: int, title: str
) -> None:
    files = class_files()
    path = write_zip(tmp_path / "x.zip", files, zipfile.ZIP_STORED)
    one = _with_method(path.read_bytes(), method, most=1)
    path.write_bytes(one)
    done = take_in(path)
    assert done.dataset.counts == {"cat": 4, "dog": 5}
    assert f"compressed with {title}" in done.skipped["cat/cat0.jpg"]
    assert "method Deflate" in done.skipped["cat/cat0.jpg"]
    path.write_bytes(_with_method(one, method, most=len(files)))
    with pytest.raises(RefusedArchive, match=rf"“x\.zip” is compressed with {title}"):
        take_in(path)


def _with_method(raw: bytes, method: int, most: int) -> bytes:
    changed = bytearray(raw)
    for start, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = -1
        for _ in range(most):
            at = changed.index(start, at + 1)
            changed[at + offset : at + offset + 2] = method.to_bytes(2, "little")
    return bytes(changed)


@pytest.mark.parametrize("write", [write_zip, write_tar])
@pytest.mark.parametrize("root", ["C:/Users/Ann/pets/", "/home/ann/pets/", "//server/share/"])
def test_absolute_paths_of_an_archive_are_mere_names(
    take_in, tmp_path: Path, write, root: str
) -> None:
    files = {f"{root}{name}": content for name, content in class_files().items()}
    done = take_in(write(tmp_path / "x.dat", files))
    assert done.dataset.counts == PETS
    assert done.skipped == {}


def test_a_volume_called_like_an_archive_is_no_archive(take_in, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", {"scan.nii.gz": b"\x1f\x8b" + b"x" * 50})
    with pytest.raises(UnusableDataset, match="NIfTI"):
        take_in(folder)
    done = take_in(write_folder(tmp_path / "y", {"cat/1.jpg": jpeg(1), "cat/s.nii": b"x" * 400}))
    assert "3D Slicer" in done.skipped["cat/s.nii"]
