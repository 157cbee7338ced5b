"""`predict` also sorts the images into folders and writes a table."""

import csv
import shutil

import openpyxl
import pytest
from command_line import run_command
from made_models import CLASSES, made_model, write_photographs

from core.settings import Settings


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The bundled network with a classifier, as an unpacked export."""
    folder = tmp_path_factory.mktemp("model")
    made_model(Settings(home=tmp_path_factory.mktemp("home"), device="cpu")).save(folder)
    return folder


@pytest.fixture
def images(tmp_path):
    """Three photographs; a second one of the same name in another folder; and no image."""
    files = write_photographs(tmp_path)
    (tmp_path / "more").mkdir()
    shutil.copy(files[0], tmp_path / "more" / "0.png")
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    return [*files, tmp_path / "more" / "0.png", tmp_path / "broken.jpg"]


def test_images_are_copied_into_a_folder_for_each_class(run, images, tmp_path):
    into = tmp_path / "new" / "sorted"
    code, out, err = run_command(tmp_path / "home", "predict", run, *images, "--sorted", into)
    assert code == 1, err  # one of them cannot be read
    assert "broken.jpg: " in out
    files = sorted(path for path in into.rglob("*") if path.is_file())
    assert len(files) == 4
    assert {file.parent.name for file in files} <= {
        "cat",
        "cup of coffee",
        "](x) _b_ 🐈",
        "unknown",
    }
    assert sorted(file.name for file in files) == ["0 (2).png", "0.png", "1.png", "2.png"]
    same = [file for file in files if file.name.startswith("0")]
    assert same[0].parent == same[1].parent
    assert all(file.read_bytes() == images[0].read_bytes() for file in same)
    assert all(image.exists() for image in images)


def test_a_folder_with_something_in_it_is_refused_before_anything_is_done(run, images, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for into, words in [(tmp_path / "full", "is not empty"), (images[0], "is a file")]:
        code, out, err = run_command(tmp_path / "home", "predict", run, *images, "--sorted", into)
        assert (code, out) == (2, "")
        assert words in err
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_the_answers_are_written_as_csv_and_for_excel(run, images, tmp_path):
    code, _, err = run_command(
        tmp_path / "home", "predict", run, *images, "--table", tmp_path / "a.csv"
    )
    assert code == 1, err  # one of them cannot be read
    rows = list(csv.DictReader((tmp_path / "a.csv").open(encoding="utf-8-sig", newline="")))
    assert [row["image"] for row in rows] == [*map(str, images)]
    assert sum(float(rows[0][name]) for name in CLASSES) == pytest.approx(1, abs=1e-5)
    assert rows[-1]["problem"]
    code, _, err = run_command(
        tmp_path / "home", "predict", run, *images, "--table", tmp_path / "a.XLSX"
    )
    assert code == 1, err  # one of them cannot be read
    (tmp_path / "a.XLSX").rename(tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert [cell.value for cell in sheet["A"]] == ["image", *map(str, images)]
    assert [cell.value for cell in sheet["B"]][1:-1] == [row["predicted"] for row in rows[:-1]]
    assert isinstance(sheet["C2"].value, float)


@pytest.mark.parametrize(
    ("table", "words"),
    [("a.txt", "end “a.txt” in .csv or .xlsx"), ("gone/a.csv", "no folder"), ("d.csv", "a folder")],
)
def test_a_table_that_cannot_be_written_is_refused_before_anything_is_done(
    run, images, tmp_path, table, words
):
    (tmp_path / "d.csv").mkdir()
    code, out, err = run_command(
        tmp_path / "home", "predict", run, *images, "--table", tmp_path / table
    )
    assert (code, out) == (2, "")
    assert words in err
