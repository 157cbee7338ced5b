"""`python -m core rank`: backbones tried on a folder, as a list and as JSON."""

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import timm
import torch
from command_line import run_command
from PIL import Image
from safetensors.torch import save_file
from skimage import data

from core.cli import rank, sweep
from core.cli.costs import evaluated_as_usual
from core.dataset.manifest import Dataset, Item
from core.evaluation.predictions import Prediction
from core.recipe import Recipe
from core.training.sweep import SweepRun, keep

LITE0 = "tf_efficientnet_lite0"
TINY, REMOTE = "test_resnet.r160_in1k", "resnet18.a1_in1k"
ASKED = {"backbone", "accuracy", "stderr", "knn", "images_per_second", "parameters"}


@pytest.fixture(scope="module")
def graft(tmp_path_factory):
    home, weights = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    save_file(timm.create_model(TINY).state_dict(), weights / f"{TINY}.safetensors")
    return partial(run_command, home, GRAFT_WEIGHTS=str(weights), GRAFT_OFFLINE="1")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "pieces"
    for name, photograph in {"cat": data.chelsea, "cup": data.coffee}.items():
        whole = Image.fromarray(photograph())
        (folder / name).mkdir(parents=True)
        for number in range(8):
            left, top = 60 * (number % 4), 90 * (number // 4)
            whole.crop((left, top, left + 180, top + 180)).save(folder / name / f"{number}.png")
    return folder


def test_json_is_one_list_best_first_and_what_cannot_be_tried_has_its_reason(graft, pictures):
    code, out, err = graft("rank", pictures, "--backbones", f"{REMOTE},{TINY}", "--json")
    assert code == 0, err
    first, last = json.loads(out)
    assert set(first) >= ASKED
    assert first["backbone"] == TINY
    assert 0 < first["stderr"] < 1
    assert "folds" not in first
    assert last["backbone"] == REMOTE
    assert "not on this machine" in last["error"]
    assert any(json.loads(line)["event"] == "Ranked" for line in err.splitlines())


def test_a_person_reads_a_line_for_each_and_that_the_test_part_was_left_alone(graft, pictures):
    code, out, err = graft("rank", pictures, "--backbones", TINY)
    assert code == 0
    assert re.match(rf"{TINY}: [\d.]+ % correct", out)
    assert "standard error" in out
    assert "log-loss " in out
    assert "Log-loss and nearest neighbours are shown beside it." in out
    assert "training images only" in err


def test_a_mistyped_name_is_told_before_any_image_is_looked_at(graft, pictures):
    code, out, err = graft("rank", pictures, "--backbones", "resnot")
    assert (code, out) == (2, "")
    assert "No pretrained network is called" in err


def test_a_folder_that_is_not_there_is_said_in_words(graft, tmp_path):
    code, _, err = graft("rank", tmp_path / "nowhere")
    assert code == 2
    assert "There is no folder or archive" in err


def test_a_sweep_trains_each_with_each_and_says_which_to_keep(graft, pictures, tmp_path):
    asked = ("sweep", pictures, "--backbones", f"{TINY},{LITE0}", "--strategies",
             "feature_extraction,lora", "--out", tmp_path / "runs", "--json")  # fmt: skip
    code, out, err = graft(*asked)
    assert code == 0, err
    said = json.loads(out)
    assert [run["backbone"] for run in said["runs"]] == [TINY, LITE0]  # lora fits neither
    assert said["n"] == 16  # all of them, judged in turn
    right = [run["accuracy"] for run in said["runs"]]
    assert right[0] >= right[1] - said["stderr"]  # a cat and a cup are easily told apart,
    assert said["keep"] == f"{TINY}-feature_extraction"  # so the smaller network is enough
    assert 0 <= said["honest_interval"][0] <= said["honest"] <= said["honest_interval"][1] <= 1
    assert all(run["milliseconds"] > 0 for run in said["runs"])
    code, again, err = graft(*asked)
    assert json.loads(again)["honest"] == said["honest"]
    assert "trained again" in err


@pytest.fixture(scope="module")
def parted(pictures, tmp_path_factory):
    """The same images with a ready test part."""
    folder = tmp_path_factory.mktemp("parted")
    for file in pictures.glob("*/*.png"):
        place = folder / ("test" if int(file.stem) > 2 else "train") / file.parent.name
        place.mkdir(parents=True, exist_ok=True)
        (place / file.name).write_bytes(file.read_bytes())
    return folder


def test_images_that_came_parted_are_evaluated_with_their_own_test_part(graft, parted, tmp_path):
    code, out, err = graft("sweep", parted, "--backbones", f"{TINY},{LITE0}", "--strategies",
                           "feature_extraction", "--out", tmp_path / "runs", "--json")  # fmt: skip
    assert code == 0, err
    assert json.loads(out)["n"] == 10
    code, out, err = graft("train", parted, "--backbone", TINY, "--out", tmp_path / "one", "--json")
    assert code == 0, err
    assert (json.loads(out)["n_folds"], json.loads(out)["n"]) == (1, 10)
    code, _, err = graft("train", parted, "--backbone", TINY, "--evaluation",
                         "cross-validation", "--out", tmp_path / "two")  # fmt: skip
    assert code == 2
    assert "came with their own test set" in err


def test_a_run_is_gone_on_with_as_it_was_evaluated(graft, pictures, tmp_path):
    train = ("train", pictures, "--backbone", TINY, "--out", tmp_path / "run")
    code, out, _ = graft(*train, "--evaluation", "holdout", "--json")
    assert (code, json.loads(out)["n_folds"]) == (0, 1)
    code, _, err = graft(*train)
    assert code == 0
    assert "already finished" in err
    code, _, err = graft(*train, "--evaluation", "cross-validation")
    assert code == 2
    assert "evaluation (was holdout, now cross_validation)" in err


def test_a_sweep_of_one_is_none(graft, pictures, tmp_path):
    code, _, err = graft(
        "sweep", pictures, "--backbones", TINY, "--strategies", "lora,feature_extraction",
        "--out", tmp_path / "runs",
    )  # fmt: skip
    assert code == 2
    assert "nothing to compare" in err


def test_costs_are_those_of_evaluating_as_train_does():
    items = [Item(f"{k:064x}", "ab"[k % 2], f"{k}.png") for k in range(40)]
    ways = ("feature_extraction", "last_stages")
    recipes = [Recipe(dataset="0" * 16, backbone=LITE0, strategy=way) for way in ways]

    def judged(given):
        return [
            recipe.evaluation for recipe in evaluated_as_usual(recipes, Dataset("d", tuple(given)))
        ]

    assert judged(items) == ["cross_validation", "holdout"]
    parted = [replace(item, part="test" if k < 10 else "train") for k, item in enumerate(items)]
    assert judged(parted) == ["holdout", "holdout"]


def test_costs_are_told_for_each_way_that_needs_nothing_else(graft, pictures):
    ways = "feature_extraction,last_stages,domain_adaptation"
    code, out, err = graft("costs", pictures, "--backbones", TINY, "--strategies", ways, "--json")
    assert code == 0, err
    rows = json.loads(out)
    assert [row["strategy"] for row in rows] == ["feature_extraction", "last_stages"]
    assert all(row["backbone"] == TINY and row["seconds"] > 1 for row in rows)
    code, out, err = graft("costs", pictures, "--strategies", "magic")
    assert code == 2
    assert "No strategy is called “magic”" in err
    assert "Computing features of your images" not in err


def test_what_ties_only_for_want_of_images_is_not_what_a_person_is_told_to_take():
    def row(name, right, speed):
        return {"backbone": name, "title": name, "accuracy": right, "stderr": 0.04, "knn": 0.5,
                "knn_stderr": 0.1, "log_loss": None, "images_per_second": speed, "tied": True,
                "parameters": 1_000_000, "expected": right}  # fmt: skip

    said = rank._text([row("good", 0.9, 10.0), row("near", 0.88, 20.0), row("poor", 0.5, 90.0)])
    assert "good, near, poor do equally well on these images. Take near" in said


def a_candidate(name, wrong, size):
    rows = tuple(Prediction(f"{k:064x}", "", "a", "ab"[k < wrong], (0.5, 0.5)) for k in range(60))
    recipe = Recipe(dataset="0" * 16, backbone=name, strategy="feature_extraction")
    return SweepRun(name, recipe, rows, size)


@pytest.mark.parametrize(
    ("wrong", "kept", "said"),
    [
        ((2, 12), "large", "It is the best, and no simpler one comes within"),
        ((2, 3), "small", "It is the simplest within one standard error of the best"),
    ],
)
def test_a_sweep_says_why_one_is_kept_and_what_it_is_beside_the_others(wrong, kept, said):
    entered = [a_candidate("large", wrong[0], 80.0), a_candidate("small", wrong[1], 10.0)]
    choice, taken = keep(entered), {"large": 9.0, "small": 1.0}
    document = sweep._document(Path("runs"), entered, choice, taken, taken)
    large, small = document["runs"]
    assert (document["keep"], large["megabytes"]) == (kept, 80.0)
    other = small if kept == "large" else large
    assert [run["beside_kept"] is None for run in (large, small)] == [run is not other for run in (
        large, small)]  # fmt: skip
    assert 0 < other["beside_kept"]["p"] <= 1
    text = sweep._text(document)
    assert f"Keep {kept}. {said}" in text
    assert f"Compared with the one to keep: {other['beside_kept']['verdict']}" in text
    assert "80.0 MB" in text
