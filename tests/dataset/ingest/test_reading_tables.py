"""Spreadsheets of every kind, and tables in every encoding."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_spreadsheets import ods, xlsx
from told import classes, sentences, text, told

from core.dataset.ingest.tables import read_table
from core.errors import UnreadableTable
from core.settings import Settings

IMAGES = [f"p{n}.jpg" for n in range(8)]
LABELS = {name: ("cat", "dog")[n // 4] for n, name in enumerate(IMAGES)}


# Spreadsheets


def test_titles_merged_cells_and_empty_rows_do_not_hide_the_table() -> None:
    rows: list[list[object]] = [["Our pets, May 2024"], [], ["Taken by Ann", "on a phone"], [],
                                ["Picture", "Class", "Seen"]]  # fmt: skip
    rows += [[name, LABELS[name] if n % 4 == 0 else None, 1.0] for n, name in enumerate(IMAGES)]
    table = xlsx({"Sheet1": rows}, ["A1:C1", "B6:B9", "B10:B13"])
    found = told({"labels.xlsx": table}, IMAGES)
    assert (found.tasks, classes(found, IMAGES)) == (("Class",), LABELS)


def test_a_table_that_begins_in_the_middle_of_the_sheet_keeps_its_merged_cells() -> None:
    rows: list[list[object]] = [[], [], [None, None, "file", "label"]]
    rows += [
        [None, None, name, LABELS[name] if n % 4 == 0 else None] for n, name in enumerate(IMAGES)
    ]
    found = told({"t.xlsx": xlsx({"a": rows}, ["D4:D7", "D8:D11"])}, IMAGES)
    assert classes(found, IMAGES) == LABELS


def test_the_sheets_that_name_images_are_read_wherever_they_stand_and_hidden_ones_are_not() -> None:
    head = [("file", "label")]
    sheets = {
        "Read me": [("These are our pets",), ("Ann", "Bob")],
        "Cats": [*head, *((n, c) for n, c in LABELS.items() if c == "cat")],
        "Dogs": [*head, *((n, c) for n, c in LABELS.items() if c == "dog")],
        "Old": [*head, *((n, "cow") for n in IMAGES)],
    }
    found = told({"t.xlsx": xlsx(sheets, hidden="Old")}, IMAGES)
    assert classes(found, IMAGES) == LABELS
    assert [each.sheet for each in found.tables] == ["Cats", "Dogs"]
    assert "sheet “Read me” was not used" in sentences(found)


def test_an_opendocument_spreadsheet_is_read() -> None:
    found = told({"t.ods": ods([("file", "label"), *LABELS.items()])}, IMAGES)
    assert classes(found, IMAGES) == LABELS


def test_an_opendocument_spreadsheet_under_another_name_is_read() -> None:
    found = told({"t.xlsx": ods([("file", "label"), *LABELS.items()])}, IMAGES)
    assert classes(found, IMAGES) == LABELS


@pytest.mark.parametrize("name", ["t.xls", "t.ods", "t.xlsx", "t.numbers"])
@pytest.mark.parametrize("raw", [b"\xd0\xcf\x11\xe0" + b"old" * 600, b"PK\x03\x04 not at all"])
def test_a_spreadsheet_that_cannot_be_read_is_refused_with_a_remedy(name: str, raw: bytes) -> None:
    with pytest.raises(UnreadableTable, match="CSV"):
        read_table(name, raw, Settings())


def test_a_cell_at_the_far_end_of_a_sheet_costs_nothing_or_is_refused_in_words() -> None:
    good = io.BytesIO(xlsx({"a": [("file", "label"), *LABELS.items()]}))
    far = io.BytesIO()
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(far, "w") as new:
        for info in old.infolist():
            part = old.read(info)
            if info.filename.endswith("sheet1.xml"):
                cell = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                part = part.replace(b"</sheetData>", cell)
            new.writestr(info.filename, part)
    with pytest.raises(UnreadableTable, match=r"CSV|columns"):
        read_table("t.xlsx", far.getvalue(), Settings())


# Encodings

WORDS = {
    "gb18030": ("文件", "标签", "照片", "猫", "狗"),
    "big5": ("檔案", "標籤", "照片", "貓", "狗"),
    "cp932": ("ファイル", "ラベル", "写真", "猫", "犬"),
    "euc_jp": ("ファイル", "ラベル", "写真", "猫", "犬"),
    "cp949": ("파일", "분류", "사진", "고양이", "개"),
    "cp1251": ("файл", "класс", "фото", "кошка", "собака"),
    "koi8_r": ("файл", "класс", "фото", "кошка", "собака"),
    "cp1250": ("soubor", "třída", "foťák", "kočka", "kůň"),
    "cp1252": ("Datei", "Klasse", "größe", "Bär", "Möwe"),
    "cp1253": ("αρχείο", "κλάση", "φωτό", "γάτα", "σκύλος"),
    "cp1254": ("dosya", "sınıf", "fotoğraf", "kuş", "köpek"),
    "cp1255": ("קובץ", "תווית", "תמונה", "חתול", "כלב"),
    "cp1256": ("ملف", "صنف", "صورة", "قطة", "كلب"),
    "cp1257": ("failas", "klasė", "nuotrauką", "katė", "šuo"),
    "cp874": ("ไฟล์", "ป้าย", "รูป", "แมว", "หมา"),
    "mac_roman": ("fichier", "classe", "forêt", "chêne", "érable"),
    "utf-8": ("文件", "标签", "照片", "猫", "狗"),
    "utf-8-sig": ("文件", "标签", "照片", "猫", "狗"),
    "utf-16": ("文件", "标签", "照片", "猫", "狗"),
    "utf-16-le": ("Datei", "Klasse", "größe", "Bär", "Möwe"),
    "utf-32": ("文件", "标签", "照片", "猫", "狗"),
}


@given(st.sampled_from(sorted(WORDS)), st.sampled_from(",;\t|"), st.integers(4, 40), st.booleans())
def test_a_table_in_any_encoding_and_with_any_separator_names_its_images(
    encoding: str, separator: str, n: int, has_header: bool
) -> None:
    file, label, image, one, other = WORDS[encoding]
    images = [f"x/{image}{k}.jpg" for k in range(n)]
    wanted = {each: (one, other)[k % 2] for k, each in enumerate(images)}
    rows = [(each.removeprefix("x/"), word) for each, word in wanted.items()]
    raw = text([*([(file, label)] if has_header else []), *rows], separator, encoding)
    found = told({"t.csv": raw}, images)
    assert classes(found, images) == wanted
    assert encoding.startswith("utf") or "is not in UTF-8" in sentences(found)


@pytest.mark.parametrize("encoding", ["gb18030", "cp932", "cp949", "cp1251", "big5", "cp1253"])
def test_classes_are_readable_where_the_names_of_images_tell_nothing(encoding: str) -> None:
    file, label, _, one, other = WORDS[encoding]
    rows = [(name, (one, other)[n % 2]) for n, name in enumerate(IMAGES)]
    found = told({"t.csv": text([(file, label), *rows], ",", encoding)}, IMAGES)
    assert set(classes(found, IMAGES).values()) == {one, other}
    assert "If names look wrong" in sentences(found)
