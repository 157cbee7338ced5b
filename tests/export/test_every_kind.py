"""An exported model and the app say the same of every kind of file, and refuse the same."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from command_line import run_command
from made_files import BAD, in_mode, write_every_kind
from made_models import photographs
from PIL import Image
from warm_scripts import WarmScripts

CLOSE = 1e-3
Asked = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the home, a trained run, its unpacked export and files of every kind."""
    space = tmp_path_factory.mktemp("kinds")
    cat, cup, _ = photographs()
    for label, photo in (("cat", cat), ("cup", cup)):
        (space / "data" / label).mkdir(parents=True)
        for number in range(6):
            part = photo.crop((10 * number, 8 * number, 230 + 10 * number, 180 + 8 * number))
            mode = ("RGB", "F", "RGB", "CMYK", "I;16", "RGB")[number]
            in_mode(part, mode).save(space / "data" / label / f"{number}.tif")
    code, _, errors = run_command(
        space / "home", "train", space / "data", "--out", space / "run", "--set", "C=0.1"
    )
    assert code == 0, errors
    code, out, errors = run_command(
        space / "home", "export", space / "run", space / "model.zip", "--json"
    )
    assert code == 0, errors
    (space / "told.json").write_text(out)
    with zipfile.ZipFile(space / "model.zip") as archive:
        archive.extractall(space / "model")
    write_every_kind(cup.resize((300, 200)), space / "files")
    return space


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    """What the exported script in a folder ends with and prints."""
    with WarmScripts() as scripts:

        def run(made: Path, *arguments: object) -> tuple[int, str]:
            script = made / "model" / "predict.py"
            code, out, err = scripts.run(script, *arguments, cwd=made)
            assert "Traceback" not in err
            return code, out

        yield run


def test_the_export_was_tried_out_on_the_files_as_they_were_brought(made: Path) -> None:
    told = json.loads((made / "told.json").read_text())
    assert told["n"] == told["labels_equal"] == 2 + 8 + 17
    assert told["max_difference"] < CLOSE


def test_the_script_says_of_every_file_what_the_app_says(made: Path, asked: Asked) -> None:
    files = sorted((made / "files").iterdir())
    assert len(files) > 70
    code, out, _ = run_command(made / "home", "predict", made / "run", *files, "--json")
    assert code == 1
    ours = json.loads(out)
    code, out = asked(made, "--json", *files)
    assert code == 1
    theirs = json.loads(out)
    assert [row["image"] for row in theirs] == [str(file) for file in files]
    for one, other in zip(ours, theirs, strict=True):
        name = Path(one["image"]).name
        assert ("error" in one, "error" in other) == (name in BAD, name in BAD), (one, other)
        if name in BAD:
            continue
        assert one["label"] == other["label"], name
        assert other["probabilities"] == pytest.approx(one["probabilities"], abs=CLOSE), name


def test_a_folder_and_a_pattern_are_the_images_in_them(made: Path, asked: Asked) -> None:
    folder = made / "pics"
    (folder / "more").mkdir(parents=True)
    for name in ("1.jpg", "2.jpg", "more/3.jpg"):
        photographs()[0].resize((60, 40)).save(folder / name)
    (folder / "notes.txt").write_text("nothing")
    (folder / ".hidden.jpg").write_bytes(b"x")
    for given, n in ((folder, 3), (folder / "*.jpg", 2), (folder / "**" / "*.jpg", 3)):
        code, out = asked(made, given)
        assert (code, len(out.splitlines())) == (0, n), given
        code, out, _ = run_command(made / "home", "predict", made / "run", given)
        assert (code, len(out.strip().splitlines())) == (0, n), given


@pytest.mark.parametrize(
    ("name", "word"),
    [("gone.jpg", "no such file"), ("*.nothing", "No file matches"), ("empty", "no image in this")],
)
def test_what_names_nothing_is_said_on_its_line(
    made: Path, asked: Asked, name: str, word: str
) -> None:
    (made / "empty").mkdir(exist_ok=True)
    good = made / "files" / "progressive.jpg"
    code, out = asked(made, made / name, good)
    assert code == 1
    assert word in out.splitlines()[0]
    assert "%" in out.splitlines()[1]
    code, out, _ = run_command(made / "home", "predict", made / "run", made / name, good)
    assert code == 1
    assert word in out
    assert asked(made, made / name)[0] == 2


def test_heic_without_its_package_says_what_to_install(made: Path) -> None:
    script = (
        "import sys, runpy; sys.modules['pi_heif'] = None; "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    arguments = [made / "model" / "predict.py", made / "files" / "photo.heic"]
    command = [sys.executable, "-I", "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install pi-heif" in done.stdout


def test_damaged_metadata_of_a_png_cost_nothing_or_one_line(made: Path, asked: Asked) -> None:
    folder = made / "damaged"
    folder.mkdir()
    Image.new("RGB", (40, 30), "red").save(folder / "good.png")
    whole = (folder / "good.png").read_bytes()
    for name in ("gAMA", "pHYs", "eXIf", "sRGB", "tIME"):
        chunk = b"\0\0\0\x02" + name.encode() + b"\0\x01" + b"\0\0\0\0"
        (folder / f"{name}.png").write_bytes(whole[:33] + chunk + whole[33:])
    code, out = asked(made, folder, "--json")
    theirs = json.loads(out)
    assert len(theirs) == 6
    _, out, _ = run_command(made / "home", "predict", made / "run", folder, "--json")
    assert ["error" in row for row in json.loads(out)] == ["error" in row for row in theirs]
    assert code == (1 if any("error" in row for row in theirs) else 0)


def _deep(photo: Image.Image, file: Path) -> None:
    in_mode(photo, "I;16").save(file)


def _five(photo: Image.Image, file: Path) -> None:
    values = np.stack([np.asarray(photo)[..., k % 3] for k in range(5)], -1)
    form = {
        "photometric": "minisblack",
        "planarconfig": "contig",
        "extrasamples": ["unspecified"] * 4,
    }
    tifffile.imwrite(file, values, **form)


@pytest.mark.parametrize("write", [_deep, _five])
def test_a_model_of_other_channels_reads_files_as_the_app_does(
    tmp_path: Path, asked: Asked, write
) -> None:
    cat, cup, _ = photographs()
    for label, photo in (("cat", cat), ("cup", cup)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(6):
            part = photo.crop((10 * number, 8 * number, 110 + 10 * number, 90 + 8 * number))
            write(part, tmp_path / "data" / label / f"{number}.tif")
    home, run = tmp_path / "home", tmp_path / "run"
    given = ("--keep-channels", "--out", run, "--set", "C=0.1")
    code, _, errors = run_command(home, "train", tmp_path / "data", *given)
    assert code == 0, errors
    code, out, errors = run_command(home, "export", run, tmp_path / "model.zip", "--json")
    assert code == 0, errors
    assert json.loads(out)["n"] >= 2 + 2  # and those of the odd files that the model reads
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        archive.extractall(tmp_path / "model")
    cup.resize((90, 70)).save(tmp_path / "colour.png")
    write(cup.resize((1300, 900)), tmp_path / "large.tif")
    files = [*sorted((tmp_path / "data").rglob("*.tif")), tmp_path / "large.tif"]
    files.append(tmp_path / "colour.png")
    _, out, _ = run_command(home, "predict", run, *files, "--json")
    ours = json.loads(out)
    code, out = asked(tmp_path, "--json", *files)
    assert code == 1
    for one, other in zip(ours, json.loads(out), strict=True):
        assert ("error" in one) == ("error" in other) == one["image"].endswith("colour.png")
        if "error" not in one:
            assert other["probabilities"] == pytest.approx(one["probabilities"], abs=CLOSE)
