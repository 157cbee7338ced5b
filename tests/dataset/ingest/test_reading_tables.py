"""Spreadsheets, encodings and the many ways to write the path of an image."""

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
from hostile_files import jpeg, write_folder, write_zip
from hypothesis import given
from hypothesis import strategies as st
from told import classes, sentences, text, told

from core.dataset.ingest.tables import read_table
from core.dataset.ingest.understanding import DOUBTFUL, NOTABLE
from core.errors import UnreadableTable
from core.settings import Settings

IMAGES = [f"p{n}.jpg" for n in range(8)]
LABELS = {name: ("cat", "dog")[n // 4] for n, name in enumerate(IMAGES)}
SHEET_NAME = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def xlsx(
    sheets: dict[str, Sequence[Sequence[object]]], merged: Sequence[str] = (), hidden: str = ""
) -> bytes:
    from openpyxl import Workbook

    book, buffer = Workbook(), io.BytesIO()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        for area in merged:
            sheet.merge_cells(area)
        if title == hidden:
            sheet.sheet_state = "hidden"
    book.save(buffer)
    return buffer.getvalue()


def ods(rows: Sequence[Sequence[object]]) -> bytes:
    """A spreadsheet as LibreOffice packs it, cut down to what makes up its cells."""

    def cell(value: object) -> str:
        if isinstance(value, int):
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        words = f"<text:p>{value}</text:p>"
        return f'<table:table-cell office:value-type="string">{words}</table:table-cell>'

    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    space = "urn:oasis:names:tc:opendocument:xmlns:"
    content = (
        f'<office:document-content xmlns:office="{space}office:1.0" xmlns:table="{space}table:1.0" '
        f'xmlns:text="{space}text:1.0"><office:body><office:spreadsheet><table:table '
        f'table:name="Labels">{body}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        f'<manifest:manifest xmlns:manifest="{space}manifest:1.0"><manifest:file-entry '
        f'manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("mimetype", kind)
        packed.writestr("META-INF/manifest.xml", manifest)
        packed.writestr("content.xml", content)
        packed.writestr("Pictures/1.png", b"not needed")
    return buffer.getvalue()


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


# How a cell names an image

SPELLINGS = {
    "address": lambda p: f"https://example.org/a/{quote(p)}",
    "address with a query": lambda p: f"https://example.org/{quote(p)}?v=2&sig=ab%2Fc",
    "bucket": lambda p: f"s3://bucket/key/{p}",
    "Label Studio, local": lambda p: f"/data/local-files/?d={quote(p)}",
    "Label Studio, upload": lambda p: f"/data/upload/3/ab12cd34-{p}",
    "Windows": lambda p: f"C:\\Users\\Ann\\Pictures\\{p}",
    "network share": lambda p: f"\\\\server\\share\\{p}",
    "absolute": lambda p: f"/home/ann/labels/{p}",
    "file address": lambda p: f"file:///home/ann/{quote(p)}",
    "escaped twice": lambda p: f"https://example.org/{quote(quote(p))}",
    "quoted": lambda p: f'"{p}"',
    "as a value": lambda p: f"https://example.org/show?id=4&file={quote(p)}",
    "spaces around": lambda p: f"  {p} ",
    "upper case": lambda p: p.upper(),
    "another ending": lambda p: p.replace(".jpg", ".png"),
    "without ending": lambda p: p.removesuffix(".jpg"),
}


@pytest.mark.parametrize("how", SPELLINGS)
def test_a_path_is_understood_however_it_is_spelt(how: str) -> None:
    images = [f"pets/my pet {n} #ä.jpg" for n in range(8)]
    wanted = {image: ("cat", "dog")[n % 2] for n, image in enumerate(images)}
    rows = [(SPELLINGS[how](each.removeprefix("pets/")), word) for each, word in wanted.items()]
    found = told({"t.csv": text([("image", "label"), *rows])}, images)
    assert classes(found, images) == wanted


def test_zeros_that_a_spreadsheet_dropped_are_put_back_and_said() -> None:
    images = [f"x/{n:04}.jpg" for n in range(1, 9)]
    rows = [(n, ("cat", "dog")[n % 2]) for n in range(1, 9)]
    for files in (
        {"t.csv": text([("id", "label"), *rows])},
        {"t.csv": text([("id", "label"), *((f"{n}.0", c) for n, c in rows)])},
        {"t.xlsx": xlsx({"a": [("id", "label"), *rows]})},
    ):
        found = told(files, images)
        assert list(classes(found, images).values()) == ["dog", "cat"] * 4
        note = next(note for note in found.notes if "lack the leading zeros" in note.sentence)
        assert note.weight == NOTABLE


def test_zeros_are_not_put_back_where_two_images_could_be_meant() -> None:
    images = ["a/01.jpg", "b/001.jpg", "a/02.jpg", "a/03.jpg", "a/04.jpg"]
    rows = [(n, ("cat", "dog")[n % 2]) for n in range(1, 5)]
    found = told({"t.csv": text([("id", "label"), *rows])}, images)
    assert set(found.rows) == {2, 3, 4}
    assert "“1”" in sentences(found)


def test_numbers_that_a_spreadsheet_rounded_are_said() -> None:
    images = [f"{123456789012340 + n}.jpg" for n in range(4)] + ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    rows = [("1.23457E+14", "cat")] * 4 + [(name, "dog") for name in "abcd"]
    found = told({"t.csv": text([("file", "label"), *rows])}, images)
    note = next(note for note in found.notes if "rounded" in note.sentence)
    assert (note.weight, "Format the column as text" in note.sentence) == (DOUBTFUL, True)


def test_a_name_in_two_folders_is_said_and_another_column_may_tell_the_folder() -> None:
    images = [f"{site}/{n}.jpg" for site in ("site_a", "site_b") for n in range(4)]
    bare = [("file", "label"), *((f"{n}.jpg", "cat") for n in range(4))]
    found = told({"t.csv": text(bare)}, images)
    assert (found.rows, found.tasks) == ({}, ())
    note = next(note for note in found.notes if "could mean several images" in note.sentence)
    assert note.weight == DOUBTFUL
    full = [("site", "file", "label")]
    full += [
        (s, f"{n}.jpg", ("cat", "dog")[s == "site_b"])
        for s in ("site_a", "site_b")
        for n in range(4)
    ]
    found = told({"t.csv": text(full)}, images)
    assert [found.rows[n].labels[found.tasks.index("label")] for n in range(8)] == ["cat"] * 4 + [
        "dog"
    ] * 4


# Images inside Parquet files


def parquet(labels: Sequence[int], names: Sequence[str] = (), *, plain: bool = False) -> bytes:
    import pyarrow
    from pyarrow.parquet import write_table

    content = [jpeg(n, (12, 10)) for n in range(len(labels))]
    image = (
        content if plain else [{"bytes": raw, "path": f"{n}.jpg"} for n, raw in enumerate(content)]
    )
    table = pyarrow.table({"image": image, "label": list(labels)})
    if names:
        features = {
            "image": {"_type": "Image"},
            "label": {"names": list(names), "_type": "ClassLabel"},
        }
        table = table.replace_schema_metadata(
            {"huggingface": json.dumps({"info": {"features": features}})}
        )
    buffer = io.BytesIO()
    write_table(table, buffer, row_group_size=3)
    return buffer.getvalue()


@pytest.mark.parametrize("plain", [False, True])
def test_images_inside_parquet_files_are_taken_with_their_classes_and_split(
    take_in, tmp_path: Path, plain: bool
) -> None:
    files = {
        "data/train-00000-of-00002.parquet": parquet([0, 1, 0, 1], ["cat", "dog"], plain=plain),
        "data/train-00001-of-00002.parquet": parquet([1, 0], ["cat", "dog"], plain=plain),
        "data/test-00000-of-00001.parquet": parquet([0, 1, -1], ["cat", "dog"], plain=plain),
        "README.md": b"# Pets",
    }
    for brought in (write_folder(tmp_path / "x", files), write_zip(tmp_path / "x.zip", files)):
        done = take_in(brought)
        assert done.dataset.counts == {"cat": 4, "dog": 4}
        assert {i.part for i in done.dataset.items if "/test/" in i.name} == {"test"}
        assert [i.role for i in done.dataset.items].count("unlabelled") == 1
        assert set(done.skipped) - {"README.md"} == {
            name for name in done.skipped if "exact copy" in done.skipped[name]
        }


def test_images_inside_one_parquet_file_are_counted_against_the_limits(
    take_in, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "x", {"train.parquet": parquet([0, 1] * 10, ["cat", "dog"])})
    assert take_in(folder).dataset.counts == {"cat": 10, "dog": 10}
