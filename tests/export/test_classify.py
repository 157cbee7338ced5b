"""classify.py by itself: what it reads, writes, sorts and takes back, and what cannot harm."""

import csv
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
from made_models import photographs
from made_runs import made_run, small_model

from core.analysis.prediction import predict_files
from core.dataset.ingest import kinds
from core.export import classify_sorting
from core.export.formats import export
from core.settings import Settings


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Settings]:
    """The unpacked export, the run it is of, and the settings."""
    space = tmp_path_factory.mktemp("classify")
    settings = Settings(home=space / "home")
    run = made_run(settings, small_model())
    *_, last = export(run, space / "model.zip", settings, form="classify")
    assert last.result["labels_equal"] == last.result["n"]
    with zipfile.ZipFile(space / "model.zip") as archive:
        archive.extractall(space / "unpacked")
    return space / "unpacked", run, settings


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two good images under awkward names, a broken one, and a ZIP with a name that climbs."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    cat, cup, _ = photographs()
    cat.save(folder / "=1+1.png")
    cup.save(folder / "inner" / "a cup.jpg", quality=95)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    cat.save(tmp_path / "cat.png")
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        archive.write(tmp_path / "cat.png", "../../../evil.png")
        archive.write(tmp_path / "cat.png", "__MACOSX/._cat.png")
        archive.writestr("notes.txt", "no image")
    return folder


def command(made: tuple, *arguments: object) -> list[str]:
    return [sys.executable, "-I", str(made[0] / "classify.py"), *map(str, arguments)]


def asked(made: tuple, *arguments: object) -> tuple[int, str]:
    done = subprocess.run(command(made, *arguments), capture_output=True, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def test_the_zip_holds_the_graph_the_script_a_card_and_a_licence(made: tuple) -> None:
    names = {path.name for path in made[0].iterdir()}
    assert {"model.onnx", "classify.py", "MODEL_CARD.md", "LICENSE.txt"} < names
    assert "uv run classify.py folder --sort-into sorted" in (made[0] / "MODEL_CARD.md").read_text()
    header = (made[0] / "classify.py").read_text().split("# ///")[1]
    assert '["onnxruntime>=1.20", "pillow>=13", "numpy>=2"]' in header


def test_it_needs_only_what_its_header_names(made: tuple) -> None:
    known = {"onnxruntime", "openvino", "PIL", "numpy", "pi_heif", "tifffile"}
    known |= {path.stem for path in made[0].glob("*.py")} | set(sys.stdlib_module_names)
    lines = [line.split() for file in made[0].glob("*.py") for line in file.open()]
    imported = {w[1].split(".")[0] for w in lines if w and w[0] in ("import", "from")}
    assert imported <= known


def test_a_bad_file_costs_only_its_own_row_in_every_table(
    made: tuple, photos: Path, tmp_path: Path
) -> None:
    tables = {form: tmp_path / f"answers.{form}" for form in ("csv", "xlsx", "json")}
    wanted = [word for form, file in tables.items() for word in (f"--{form}", file)]
    code, said = asked(made, photos, tmp_path / "old.zip", "nothing*.gif", *wanted)
    assert code == 1
    rows = json.loads(tables["json"].read_text())
    bad = {Path(row["image"]).name for row in rows if "error" in row}
    assert bad == {"broken.jpg", "nothing*.gif"}
    assert len(rows) == 5
    assert len(said.splitlines()) == 5
    good = [row for row in rows if "error" not in row]
    *_, last = predict_files(made[1], [photos / "=1+1.png"], made[2])
    (ours,) = last.result["predictions"]
    theirs = next(row for row in good if row["image"].endswith("=1+1.png"))
    assert theirs["probabilities"] == pytest.approx(ours["probabilities"], abs=1e-3)
    assert theirs["prediction_set"] == ours["prediction_set"]
    assert theirs["ood"] == ours["ood"]
    with tables["csv"].open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["predicted"] for line in lines] == [row.get("label", "") for row in rows]
    sheet = openpyxl.load_workbook(tables["xlsx"])["Answers"]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert [row[0] for row in cells[1:]] == [row["image"] for row in rows]
    assert cells[1][2] == pytest.approx(float(list(lines[0].values())[2]), abs=1e-6)
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


@pytest.mark.parametrize("how", ["copy", "move", "link"])
def test_what_is_sorted_can_be_taken_back(
    made: tuple, photos: Path, tmp_path: Path, how: str
) -> None:
    before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    target = tmp_path / "sorted"
    code, _ = asked(made, photos, tmp_path / "old.zip", "--sort-into", target, "--by", how)
    assert code == 1
    there = sorted(path.relative_to(target).as_posix() for path in target.rglob("*.*g"))
    assert len(there) == 3
    assert {Path(path).name for path in there} == {"=1+1.png", "a cup.jpg", "evil.png"}
    assert all(len(Path(path).parts) == 2 for path in there)
    assert list(tmp_path.parent.rglob("evil.png")) == list(target.rglob("evil.png"))
    assert (photos / "=1+1.png").exists() == (how != "move")
    links = [path for path in target.rglob("*.*g") if path.is_symlink()]
    assert len(links) == (2 if how == "link" else 0)
    code, said = asked(made, "--undo", target)
    assert code == 0
    assert "Taken back: 3 of 3" in said
    assert list(target.iterdir()) == []
    assert {path: path.read_bytes() for path in before} == before


def test_nothing_is_replaced_and_names_that_are_alike_are_numbered(
    made: tuple, photos: Path, tmp_path: Path
) -> None:
    target = tmp_path / "sorted"
    for _ in range(2):
        asked(made, photos / "=1+1.png", "--sort-into", target)
    names = sorted(path.name for path in target.rglob("*.png"))
    assert names == ["=1+1 (2).png", "=1+1.png"]


def test_a_link_in_the_folder_that_leads_elsewhere_is_not_followed(
    made: tuple, photos: Path, tmp_path: Path
) -> None:
    target, elsewhere = tmp_path / "sorted", tmp_path / "elsewhere"
    elsewhere.mkdir()
    asked(made, photos / "=1+1.png", "--sort-into", target)
    (label,) = [path for path in target.iterdir() if path.is_dir()]
    asked(made, "--undo", target)
    label.symlink_to(elsewhere, target_is_directory=True)
    asked(made, photos / "=1+1.png", "--sort-into", target, "--json", tmp_path / "a.json")
    (row,) = json.loads((tmp_path / "a.json").read_text())
    assert "leads out of the folder" in row["not_sorted"]
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    "line",
    [
        {"did": "copy", "to": "../victim.png"},
        {"did": "copy", "to": "cat/../../victim.png"},
        {"did": "copy", "to": "/victim.png"},
        {"did": "move", "to": "cat/notes.png", "from": "relative.png"},
        {"did": "move", "to": "cat/notes.png", "from": "{}/planted"},
        {"did": "erase", "to": "cat/notes.png"},
        [],
        {"did": "copy"},
    ],
)
def test_a_planted_undo_file_harms_nothing(
    tmp_path: Path, line: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "image_kinds", kinds)  # as it lies beside the script
    said: list[str] = []
    folder = tmp_path / "sorted"
    (folder / "cat").mkdir(parents=True)
    (folder / "cat" / "notes.png").write_text("no image at all")
    (tmp_path / "victim.png").write_text("precious")
    text = json.dumps(line).replace("{}", str(tmp_path))
    (folder / classify_sorting.UNDO).write_text(f"{text}\nno json\n")
    assert classify_sorting.undo(folder, said.append) == 1
    assert (tmp_path / "victim.png").read_text() == "precious"
    assert (folder / "cat" / "notes.png").exists()
    assert not (tmp_path / "planted").exists()
    assert said[-1] == "Taken back: 0 of 2."


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("cat", "cat"),
        ("../../etc", "_.._etc"),
        ("a/b\\c:d", "a_b_c_d"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        (" .hidden ", "hidden"),
        ("", "_"),
        ("...", "_"),
        ("‮evil", "_evil"),
        ("🐈" * 100, "🐈" * 40),
    ],
)
def test_every_name_becomes_one_harmless_level(name: str, safe: str) -> None:
    assert classify_sorting.harmless(name) == safe


def test_what_comes_into_a_watched_folder_is_sorted(made: tuple, tmp_path: Path) -> None:
    folder, table = tmp_path / "in", tmp_path / "answers.csv"
    folder.mkdir()
    words = (folder, "--watch", "--every", "0.1", "--csv", table, "--sort-into", folder / "sorted")
    watching = subprocess.Popen(command(made, *words), stdout=subprocess.PIPE, text=True)
    try:
        photographs()[0].save(folder / "one.png")
        assert "one.png" in (watching.stdout or pytest.fail("no output")).readline()
        photographs()[1].save(tmp_path / "two.png")
        os.replace(tmp_path / "two.png", folder / "two.png")
        assert "two.png" in watching.stdout.readline()
    finally:
        watching.terminate()
        assert watching.wait(60) == 0
    assert len(list((folder / "sorted").rglob("*.png"))) == 2
    with table.open(encoding="utf-8-sig", newline="") as stream:
        names = {Path(row["image"]).name for row in csv.DictReader(stream)}
    assert names == {"one.png", "two.png"}
