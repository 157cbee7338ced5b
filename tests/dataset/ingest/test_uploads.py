"""From what a browser sent to a dataset: an index of names, and archives."""

import json
from pathlib import Path

from hostile_files import class_files, jpeg, write_folder, write_zip


def write_upload(folder: Path, files: dict[str, bytes]) -> Path:
    """As the browser's files arrive: numbered, with their names in an index."""
    folder.mkdir()
    lines = []
    for n, (name, content) in enumerate(files.items()):
        (folder / str(n)).write_bytes(content)
        lines.append(json.dumps({"n": n, "name": name, "bytes": len(content)}))
    (folder / "index.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_an_upload_is_read_by_the_names_in_its_index(take_in, tmp_path: Path) -> None:
    files = {f"pets/{name}": content for name, content in class_files().items()}
    files |= {"pets/.DS_Store": b"x", "../../evil/1.jpg": jpeg(5), "/etc/2.jpg": jpeg(6)}
    done = take_in(write_upload(tmp_path / "upload", files))
    assert done.dataset.counts == {"cat": 5, "dog": 5}
    assert done.by_class["cat"][0] == "pets/cat/cat0.jpg"
    assert done.skipped.keys() == {"../../evil/1.jpg", "/etc/2.jpg"}


def test_class_folders_beside_an_index_are_no_upload(take_in, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", class_files() | {"index.jsonl": b'{"n": 1, "name": "x"}'})
    done = take_in(folder)
    assert done.dataset.counts == {"cat": 5, "dog": 5}
    assert done.skipped.keys() == {"index.jsonl"}


def test_two_uploaded_files_of_one_name_are_both_taken(take_in, tmp_path: Path) -> None:
    folder = tmp_path / "upload"
    folder.mkdir()
    for n in range(2):
        (folder / str(n)).write_bytes(jpeg(n))
    lines = [json.dumps({"n": n, "name": "IMG_1.JPG", "bytes": 1}) for n in range(2)]
    (folder / "index.jsonl").write_text("\n".join([*lines, '{"n": 2, "na']), encoding="utf-8")
    done = take_in(folder, into_class="cats")
    assert done.dataset.counts == {"cats": 2}


def test_an_uploaded_archive_is_opened(take_in, tmp_path: Path) -> None:
    content = write_zip(tmp_path / "x.zip", class_files()).read_bytes()
    done = take_in(write_upload(tmp_path / "upload", {"pets.zip": content}))
    assert done.dataset.counts == {"cat": 5, "dog": 5}


def test_a_damaged_archive_is_not_taken_for_one_inside_another(take_in, tmp_path: Path) -> None:
    files = {**class_files(), "cat.zip": b"PL\x03\x04 was a ZIP once", "more.rar": b""}
    upload = write_upload(tmp_path / "up", files)
    write_zip(tmp_path / "whole.zip", class_files())
    (upload / "99").write_bytes((tmp_path / "whole.zip").read_bytes())
    with (upload / "index.jsonl").open("a", encoding="utf-8") as index:
        index.write('\n{"n": 99, "name": "cat/backup.zip", "bytes": 9}')
    said = take_in(upload).skipped
    assert "is damaged" in said["cat.zip"]
    assert "is damaged" in said["more.rar"]
    assert "Archives inside" in said["cat/backup.zip"]


def test_several_uploaded_archives_are_a_class_each_when_they_hold_no_folders(
    take_in, tmp_path: Path
) -> None:
    def packed(files: dict[str, bytes]) -> bytes:
        return write_zip(tmp_path / "x.zip", files).read_bytes()

    files = {
        "cats.zip": packed({"1.jpg": jpeg(1), "2.jpg": jpeg(2)}),
        "dogs.zip": packed({"1.jpg": jpeg(3)}),
        "both.zip": packed({"x/cats/3.jpg": jpeg(4), "x/cows/4.jpg": jpeg(5)}),
    }
    done = take_in(write_upload(tmp_path / "upload", files))
    assert done.dataset.counts == {"cats": 3, "cows": 1, "dogs": 1}
    assert "cats.zip/1.jpg" in done.by_class["cats"]


def test_archives_called_like_parts_are_a_ready_split(take_in, tmp_path: Path) -> None:
    packed = {}
    for n, part in enumerate(("train", "test")):
        inside = {"cat/1.jpg": jpeg(n), "dog/2.jpg": jpeg(n + 5)}
        packed[f"{part}.zip"] = write_zip(tmp_path / "x.zip", inside).read_bytes()
    done = take_in(write_upload(tmp_path / "upload", packed))
    assert done.dataset.counts == {"cat": 2, "dog": 2}
    assert [item.part for item in done.dataset.items] == ["test", "test", "train", "train"]
