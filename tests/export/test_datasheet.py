"""The data sheet of a version."""

from dataclasses import replace

import pytest

from core.checks import Problem
from core.dataset.manifest import Dataset, ImageMetadata, Item, LeftOut
from core.export.datasheet import sheet

PHOTO = ImageMetadata("JPEG", 640, 480, "RGB", 500_000, "Canon EOS")
DATASET = Dataset(
    "Cups",
    (
        Item("a" * 64, "cup", "cup/1.jpg", facts=PHOTO, part="test"),
        Item("b" * 64, "cup", "cup/2.jpg", facts=replace(PHOTO, width=100), group="burst"),
        Item("c" * 64, "bowl", "bowl/1.png", facts=replace(PHOTO, format="PNG", mode="L")),
        Item("d" * 64, None, "x.jpg", role="unlabelled"),
    ),
    source="My kitchen",
    licence="CC0",
    left_out=(
        LeftOut("x.txt", "This is text."),
        LeftOut("y.txt", "This is text."),
        LeftOut("cup/copy.jpg", "A copy.", copy_of="cup/1.jpg"),
    ),
    dismissed=("0123",),
)


@pytest.fixture(scope="module")
def text() -> str:
    problems = [Problem("outlier", f"Image {n} is strange.") for n in range(7)]
    return sheet(DATASET, ["4 images brought", "1 image removed"], problems)


@pytest.mark.parametrize(
    "part",
    [
        "# Cups: data sheet",
        f"Version `{DATASET.id}`: 4 images in 2 classes.",
        "| cup | 2 |",
        "- 1 image unlabelled",
        "- 1 image for the test",
        "- 1 image in 1 groups",
        "JPEG (2), PNG (1)",
        "from 480 × 100 to 640 × 480",
        "Together 1.5 MB",
        "Canon EOS (3)",
        "Nothing is known about 1 image",
        "Source: My kitchen",
        "Licence: CC0",
        "- 2: This is text.",
        "- 1: exact copies",
        "- Images unlike all others: 7",
        "and 2 more",
        "- 1 image removed",
        "Kept as they are: 1 problem",
    ],
)
def test_the_sheet_tells(text, part):
    assert part in text


def test_what_is_not_known_is_said():
    bare = sheet(Dataset("", (Item("a" * 64, "cup", "1.jpg"),)), [], None)
    assert "# Images: data sheet" in bare
    assert "Nothing is known about the original files" in bare
    assert "Source: not stated" in bare
    assert "Nothing: every file is in it." in bare
    assert "Not checked yet." in bare
    assert "Nothing was changed" in bare
    assert "No problems found." in sheet(DATASET, [], [])


def test_names_from_outside_stay_text():
    evil = "![x](http://evil.example/y) <script>|`#\n# Heading"
    items = (Item("a" * 64, evil, evil, facts=replace(PHOTO, camera=evil)),)
    dataset = Dataset(
        evil, items, source=evil, licence=evil, tasks=(evil,), left_out=(LeftOut(evil, evil),)
    )
    text = sheet(dataset, [evil], [Problem("outlier", evil)])
    assert "![" not in text
    assert "<script" not in text
    assert "\n# Heading" not in text
    assert "](http" not in text


def test_no_list_in_the_sheet_is_endless():
    items = tuple(Item(f"{n:064x}", f"class {n}", f"{n}.jpg") for n in range(1000))
    left_out = tuple(LeftOut(f"{n}.txt", f"Reason {n}.") for n in range(1000))
    dataset = Dataset("Many", items, left_out=left_out)
    problems = [Problem("outlier", f"Image {n}.") for n in range(1000)]
    text = sheet(dataset, [f"Change {n}" for n in range(1000)], problems)
    assert len(text.splitlines()) < 500
    assert "and 800 more classes" in text
    assert "980 for other reasons" in text
    assert "900 earlier changes" in text
