"""Names in old encodings are told from one another by how much they look like words."""

import zipfile
from pathlib import Path

import pytest
from hostile_files import jpeg

from core.dataset.ingest.name_encodings import encoding_of

WORDS = [
    ("gbk", "猫 狗"),
    ("gbk", "汽车 飞机 自行车"),
    ("gbk", "良性 恶性"),
    ("cp932", "ねこ いぬ"),
    ("cp932", "猫 犬"),
    ("cp932", "良品 不良品"),
    ("cp949", "고양이 개"),
    ("cp949", "정상 불량"),
    ("big5", "貓 狗"),
    ("big5", "蘋果 香蕉"),
    ("cp1251", "кошка собака"),
    ("cp1251", "КОТ ПЁС"),
    ("cp866", "Кошки Собаки"),
    ("koi8_r", "кошка собака"),
    ("cp437", "Vögel éléphant niño"),
    ("cp1252", "Vögel éléphant niño"),
    ("cp1253", "σκύλος γάτα"),
    ("cp1254", "köpek kuş şişe"),
    ("cp1255", "כלב חתול"),
    ("cp1256", "كلب قطة"),
    ("cp874", "กวาง แมว"),
    ("utf-8", "猫 狗 Vögel"),
]


@pytest.mark.parametrize(("encoding", "words"), WORDS)
def test_names_are_read_as_they_were_written(encoding: str, words: str) -> None:
    names = [f"{word}/1.jpg".encode(encoding) for word in words.split()]
    found, _ = encoding_of(names)
    assert [name.decode(found) for name in names] == [f"{word}/1.jpg" for word in words.split()]


def test_plain_names_need_no_encoding() -> None:
    assert encoding_of([b"cat/1.jpg", b"dog/1.jpg"]) == ("utf-8", "")
    assert encoding_of([]) == ("utf-8", "")


def old_zip(path: Path, names: dict[str, bytes], encoding: str) -> Path:
    """A ZIP whose names are in an encoding that it does not name."""
    stand_ins = {name: f"{n:0{len(name.encode(encoding))}d}" for n, name in enumerate(names)}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in names.items():
            archive.writestr(stand_ins[name], content)
    raw = path.read_bytes()
    for name, stand_in in stand_ins.items():
        raw = raw.replace(stand_in.encode(), name.encode(encoding))
    path.write_bytes(raw)
    return path


def test_a_zip_of_a_chinese_windows_has_its_classes_and_says_how_it_was_read(
    take_in, tmp_path: Path
) -> None:
    files = {f"宠物/{label}/{n}.jpg": jpeg(n) for n, label in enumerate("猫狗猫狗猫狗")}
    done = take_in(old_zip(tmp_path / "x.zip", files, "gbk"))
    assert done.dataset.counts == {"猫": 3, "狗": 3}
    (note,) = (note for note in done.notes if "UTF-8" in note)
    assert "Chinese" in note
    assert "“猫”" in note
    assert "pack the folder again" in note
