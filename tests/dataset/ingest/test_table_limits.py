"""Tables that are bombs, lies or nonsense: each is understood, or refused in a sentence."""

import csv
import io
import zipfile
from contextlib import suppress
from pathlib import Path
from string import ascii_lowercase

import pytest
from hostile_files import jpeg, write_folder, write_zip
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_tables import SMALL, labelled, parquet, pictures, text, xlsx

from core.dataset.ingest.annotations import annotations
from core.dataset.ingest.importing import import_images
from core.dataset.ingest.table import Table
from core.dataset.ingest.tables import read_table
from core.dataset.store import Store
from core.errors import GraftError, UnreadableTable, UnusableDataset
from core.events import Finished
from core.settings import Settings


def repacked(content: bytes, name: str, part: bytes) -> bytes:
    """An XLSX with one part replaced."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            new.writestr(info.filename, part if info.filename == name else old.read(info))
    return buffer.getvalue()


def test_a_bomb_in_a_sheet_is_refused_in_a_sentence(take_in, tmp_path: Path) -> None:
    good, sheet = xlsx(list(labelled())), "xl/worksheets/sheet1.xml"
    bombs = {
        "huge.xlsx": repacked(good, sheet, b"<worksheet>" + b" " * 80_000_000),
        "wide.xlsx": xlsx([("x",) * 300]),
        "laughs.xlsx": repacked(
            good, sheet, b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><worksheet>&b;'
        ),
        "far.xlsx": repacked(
            good, sheet, b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/'
            b'main"><sheetData><row r="999999999999"><c r="XFD999999999999"><v>1</v></c></row>'
            b"</sheetData></worksheet>",
        ),
    }  # fmt: skip
    files = {"cat/1.jpg": jpeg(1), "dog/2.jpg": jpeg(2)}
    done = take_in(write_folder(tmp_path / "x", files | bombs))
    assert done.dataset.counts == {"cat": 1, "dog": 1}
    assert done.skipped.keys() == bombs.keys()
    assert "larger than 64 MB" in done.skipped["huge.xlsx"]
    assert "200 columns" in done.skipped["wide.xlsx"]


def test_a_sheet_that_lies_about_its_size_is_counted_as_it_unpacks(tmp_path: Path) -> None:
    name = "xl/worksheets/sheet1.xml"
    content = bytearray(repacked(xlsx(list(labelled())), name, b" " * 3_000_000))
    for start, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(name.encode()) - (30 if start.endswith(b"\x04") else 46)
        if start.endswith(b"\x02"):
            at = content.rindex(name.encode()) - 46
        assert content[at : at + 4] == start
        content[at + offset : at + offset + 4] = (10).to_bytes(4, "little")
    with pytest.raises(UnreadableTable):
        read_table("x.xlsx", bytes(content), Settings(home=tmp_path))


@pytest.mark.parametrize(
    ("limits", "word"),
    [
        ({"max_table_rows": 3}, "rows"),
        ({"max_table_columns": 1}, "columns"),
        ({"max_table_bytes": 20}, "larger"),
    ],
)
@pytest.mark.parametrize("form", [text, xlsx, parquet])
def test_limits_on_tables_are_kept(tmp_path: Path, form, limits, word) -> None:
    with pytest.raises(UnreadableTable, match=word):
        read_table("t", form(labelled()), Settings(home=tmp_path, **limits))


def test_a_table_that_cannot_be_read_is_named_where_nothing_else_tells_classes(
    take_in, tmp_path: Path
) -> None:
    for content in (b"PK\x03\x04 not at all", b"PAR1 nor this PAR1", b"\xd0\xcf\x11\xe0old"):
        folder = write_folder(tmp_path / "x", pictures() | {"t.xlsx": content})
        with pytest.raises(UnusableDataset, match=r"“t\.xlsx”: The table is"):
            take_in(folder)


names = (
    st.text("aäöüß漢🐈 ._-()'&;,\t\"1", min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda name: name and not name.startswith("."))
)
cells = st.text(max_size=20) | st.sampled_from(["cat", "dog", "train", "1.jpg", ""])
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])


@given(st.lists(st.lists(cells, max_size=4), max_size=8), st.sampled_from(",;\t|"), encodings)
def test_whatever_a_table_holds_it_is_understood_or_refused_in_words(
    rows: list[list[str]], separator: str, encoding: str
) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator, escapechar="\\").writerows(rows)
    raw = buffer.getvalue().encode(encoding, "replace")
    try:
        told = annotations(read_table("t.csv", raw, Settings()), ["1.jpg", "x/2.jpg"])
    except GraftError:
        return
    assert set(told.rows) <= {0, 1}
    assert all(len(row.labels) == len(told.tasks) for row in told.rows.values())


@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"PAR1", b"\xff\xfe"]))
def test_whatever_bytes_a_table_holds_it_is_read_or_refused_in_words(
    raw: bytes, start: bytes
) -> None:
    with suppress(UnreadableTable):
        for table in read_table("t.csv", start + raw, Settings()):
            assert len({len(row) for row in table.rows}) <= 1


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.dictionaries(names, st.sampled_from(["a", "Ä", ""]), min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["{}.jpg", "p/{}.jpg"]),
    st.data(),
)
def test_every_file_that_is_brought_is_an_item_or_left_out_with_a_reason(
    tmp_path: Path, called: dict[str, str], separator: str, encoding: str, form: str, data
) -> None:
    named = data.draw(st.lists(st.sampled_from(sorted(called)), unique=True))
    rows = [("file", "label"), *((form.format(name), called[name]) for name in named)]
    brought = {f"p/{name}.jpg": jpeg(n, SMALL) for n, name in enumerate(called)}
    source = write_zip(tmp_path / "x.zip", brought | {"t.csv": text(rows, separator, encoding)})
    store = Store(tmp_path / "home")
    try:
        last = list(import_images(source, store, Settings(home=tmp_path / "home"), title="t"))[-1]
    except UnusableDataset:
        return
    assert isinstance(last, Finished)
    dataset = store.load(last.result["dataset"])
    told = [item.name for item in dataset.items] + [each.name for each in dataset.left_out]
    assert len(told) == len(set(told)) == len(brought)
    assert all(each.reason.endswith(".") for each in dataset.left_out)


def test_a_table_of_many_rows_is_matched_by_the_images_there_are() -> None:
    rows = (
        ("id", "label"),
        *((f"{a}{b}{c}", a) for a in ascii_lowercase[:9] for b in ascii_lowercase for c in "xyz"),
    )
    told = annotations([Table("t", rows)], ["i/aax.png", "i/bbx.png"])
    assert [told.rows[n].labels for n in range(2)] == [("a",), ("b",)]
