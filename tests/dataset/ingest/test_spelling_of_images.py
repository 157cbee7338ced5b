"""The many ways in which a cell of a table names an image."""

from urllib.parse import quote

import pytest
from made_spreadsheets import xlsx
from told import classes, sentences, text, told

from core.dataset.ingest.understanding import DOUBTFUL, NOTABLE

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
