"""What is taken away works by itself, agrees with the app, and holds nothing that can bite."""

import json
import os
import shlex
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from made_models import PREPROCESSING, photographs, write_photographs
from made_runs import made_run
from PIL import Image

from core.__main__ import _parser
from core.analysis.prediction import predict_files
from core.dataset.manifest import Item
from core.dataset.store import Store
from core.errors import GraftError, NotFound
from core.evaluation.report import Report
from core.events import Finished
from core.export import bundle as bundle_module
from core.export.formats import export
from core.export.image_reading import square
from core.export.model_card import again, escaped
from core.export.rehearsal import agreement
from core.export.run_facts import facts_of
from core.model import Model
from core.settings import Settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return Settings(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def run(settings):
    return made_run(settings)


ROW = {"image": "1", "label": "a", "probabilities": {"a": 0.9, "b": 0.1}}


def exported(run, file, settings):
    *_, finished = export(run, file, settings)
    assert isinstance(finished, Finished)
    return finished.result


@pytest.fixture(scope="module")
def bundle(run, settings, tmp_path_factory):
    """The export, unpacked, with what it said."""
    folder = tmp_path_factory.mktemp("taken away")
    result = exported(run, folder / "model.zip", settings)
    with zipfile.ZipFile(folder / "model.zip") as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked", result


def test_the_zip_holds_what_was_promised_under_names_of_our_own(bundle):
    folder, _ = bundle
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {
        "MODEL_CARD.md",
        "examples/1.png",
        "examples/2.png",
        "image_colours.py",
        "image_kinds.py",
        "image_reading.py",
        "model.json",
        "model.safetensors",
        "predict.py",
        "reference_features.safetensors",
        "requirements.txt",
    }


def test_it_was_tried_out_and_agrees_with_the_app(bundle):
    _, result = bundle
    assert set(result) == {
        *("file", "format", "bytes", "n", "labels_equal", "max_difference", "seconds")
    }
    assert result["n"] == result["labels_equal"] == 3 + 17
    assert result["max_difference"] < 1e-5


def test_its_script_predicts_without_this_program(bundle, run, tmp_path):
    folder, _ = bundle
    picture = tmp_path / "a cup.png"
    photographs()[1].save(picture)
    command = [sys.executable, "-I", str(folder / "predict.py"), str(picture), "gone.jpg"]
    done = subprocess.run(
        [*command, "--json"], cwd=tmp_path, env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 1
    good, bad = json.loads(done.stdout)
    expected = Model.load(run / "model").predict([photographs()[1]])[0]
    assert good["image"] == str(picture)
    assert list(good["probabilities"].values()) == pytest.approx(expected.tolist(), abs=1e-5)
    assert "error" in bad


def test_its_script_offers_the_same_sets_and_calls_the_same_images_unknown(
    bundle, run, settings, tmp_path
):
    folder, _ = bundle
    files = write_photographs(tmp_path)
    command = [sys.executable, "-I", str(folder / "predict.py"), "--json", *map(str, files)]
    theirs = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    *_, last = predict_files(run, files, settings)
    ours = last.result["predictions"]
    for one, other in zip(ours, theirs, strict=True):
        assert (one["prediction_set"], one["ood"]) == (other["prediction_set"], other["ood"])
        assert one["ood_score"] == pytest.approx(other["ood_score"], abs=1e-3)
        assert one["prediction_set"][0] == one["label"]
    assert [row["ood"] for row in theirs] == [False, False, True]


def test_the_script_knows_nothing_of_this_program(bundle):
    folder, _ = bundle
    scripts = list(folder.glob("*.py"))
    imported = [
        line.split()[1].split(".")[0]
        for script in scripts
        for line in script.read_text().splitlines()
        if line.strip().startswith("import ") or line.strip().startswith("from ")
    ]
    needed = (folder / "requirements.txt").read_text()
    known = {"torch", "timm", "safetensors", "PIL", "numpy"} | sys.stdlib_module_names
    optional = {"pi_heif", "tifffile"}
    assert set(imported) <= known | optional | {script.stem for script in scripts}
    assert all(name.replace("_", "-") in needed for name in optional)


@pytest.mark.parametrize("fit", ["squash", "pad", "crop"])
def test_its_script_makes_exactly_the_same_square(fit):
    for photograph in photographs():
        ours = replace(PREPROCESSING, fit=fit)
        theirs = square(photograph, 224, fit, list(ours.mean), Image.Resampling.BICUBIC)
        assert np.array_equal(np.asarray(theirs), np.asarray(ours.square(photograph)))


def test_model_json_says_where_the_model_comes_from(bundle, run):
    content = json.loads((bundle[0] / "model.json").read_text())
    report = Report.load(run)
    assert content["classes"] == list(report.classes)
    assert content["dataset"] == report.dataset
    assert content["scores"] == {
        "n": 3, "correct": report.correct, "accuracy": report.accuracy,
        "interval": list(report.interval),
    }  # fmt: skip
    assert content["recipe"]["options"] == {"C": 0.5}


OF = {"source": "cat", "unlabelled": None}


@pytest.mark.parametrize(
    ("choices", "roles", "tasks", "flags", "said"),
    [
        ({}, (), (), {}, "one folder of images per class. RUN"),
        ({"start": "/a/run"}, (), (), {"start": "START"}, "START is the finished run"),
        ({"teacher": "/a/run"}, (), (), {"teacher": "TEACHER"}, "TEACHER is the finished run"),
        ({"task": "fur & co"}, (), ("tail", "fur & co"), {"labels": "fur & co"}, "these columns"),
        ({}, (), ("tail", "fur"), {"labels": "tail,fur"}, "a table with these columns"),
        ({}, ("source",), (), {"source": ["SOURCE"]}, "labelled images of a different kind"),
        ({}, ("source", "unlabelled"), (), {"source": ["SOURCE"], "unlabelled": ["UNLABELLED"]},
         "UNLABELLED is a folder of unlabelled images"),
    ],
)  # fmt: skip
def test_the_command_names_all_that_the_run_was_made_of(run, settings, choices, roles, tasks, flags,
                                                        said):  # fmt: skip
    facts = facts_of(run, Store(settings.home))
    items = [Item(f"{k:064x}", OF[role], f"{k}.png", role) for k, role in enumerate(roles)]
    facts = replace(
        facts,
        recipe=facts.recipe.model_copy(update=choices),
        dataset=replace(facts.dataset, items=(*facts.dataset.items, *items), tasks=tasks),
    )
    told = again(facts)
    command = shlex.split(told.split("```")[1])
    chosen = _parser().parse_args(command[3:])
    asked = {name: getattr(chosen, name) for name in ("start", "teacher", "labels", "source",
                                                      "unlabelled")}  # fmt: skip
    asked = {name: value for name, value in asked.items() if value}
    assert {name: [str(p) for p in value] if isinstance(value, list) else str(value)
            for name, value in asked.items()} == flags  # fmt: skip
    assert said in told
    assert "/a/run" not in told


def test_the_card_names_licences_scores_and_the_way_to_make_it_again(bundle):
    card = (bundle[0] / "MODEL_CARD.md").read_text()
    assert "Apache-2.0" in card
    assert "CC0" in card
    assert "with 95 % confidence" in card
    (heads,) = [line for line in card.splitlines() if "(precision)" in line]
    assert heads.count("likely (95 %)") == 2
    assert "--set C=0.5" in card
    assert "--evaluation holdout" in card
    assert "all get the same class as in the app" in card


def test_hostile_names_stay_text_in_the_card(bundle):
    card = (bundle[0] / "MODEL_CARD.md").read_text()
    assert "<img" not in card
    assert "](http" not in card
    assert "![" not in card.replace("\\!", "").replace("\\[", "")
    assert "My \\*pets\\* &lt;b&gt;" in card


def test_exporting_twice_gives_the_same_bytes(bundle, run, settings, tmp_path):
    exported(run, tmp_path / "model.zip", settings)
    assert (tmp_path / "model.zip").read_bytes() == (bundle[0].parent / "model.zip").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["model.zip"]


def test_a_model_that_does_not_work_by_itself_is_not_exported(run, settings, tmp_path, monkeypatch):
    broken = tmp_path / "predict.py"
    broken.write_text("raise SystemExit('no such luck')\n")
    monkeypatch.setitem(bundle_module.PREDICT, "predict.py", broken)
    with pytest.raises(GraftError, match="no such luck"):
        exported(run, tmp_path / "model.zip", settings)
    assert [path.name for path in tmp_path.iterdir()] == ["predict.py"]


def test_other_probabilities_than_the_apps_fail_the_export():
    equal = agreement([ROW], [ROW | {"label": "b"}])
    assert (equal.n, equal.labels_equal, equal.max_difference) == (1, 0, 0.0)
    ours = [ROW]
    theirs = [{"image": "1", "label": "a", "probabilities": {"a": 0.8, "b": 0.2}}]
    with pytest.raises(GraftError, match=r"differ from the app's by up to 0\.1"):
        agreement(ours, theirs).require(1e-3)
    nothing = [{"image": "1", "label": "a", "probabilities": {"a": float("nan"), "b": 0.1}}]
    with pytest.raises(GraftError):
        agreement(ours, nothing).require(1e-3)


def test_a_run_that_is_not_finished_cannot_be_exported(settings, tmp_path):
    with pytest.raises(NotFound):
        exported(tmp_path, tmp_path / "model.zip", settings)


def test_images_that_are_elsewhere_are_asked_for(run, tmp_path):
    elsewhere = Settings(home=tmp_path / "home")
    with pytest.raises(NotFound, match="where it was trained"):
        exported(run, tmp_path / "model.zip", elsewhere)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain-name, really", "plain-name, really"),
        ("a\n# b\tc", "a \\# b c"),
        ("\u202egnp.exe", "gnp.exe"),
        ("www.evil.example", "www\\.evil.example"),
        ("<script>", "&lt;script&gt;"),
        ("a|b`c`", "a\\|b\\`c\\`"),
        ("🐈", "🐈"),
        ("x" * 300, "x" * 120 + "…"),
    ],
)
def test_text_from_outside_is_one_harmless_line(text, safe):
    assert escaped(text) == safe
