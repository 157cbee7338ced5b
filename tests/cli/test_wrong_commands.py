"""Before anything is trained: what there is to choose from, and a sentence for every mistake."""

import json
import os

import pytest
from command_line import run_command
from commands import as_json, refused
from PIL import Image


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "strengthh=1"], "strengthh"),
        (["--set", "views=99"], "views: 1 to 16"),
        (["--set", "views"], "name=value"),
        (["--backbone", "no_such_network"], "no_such_network"),
        (["--strategy", "magic"], "magic"),
        (["--holdout", "2"], "holdout"),
        (["--seed", "-1"], "seed"),
        (["--fit", "stretch"], "fit"),
    ],
)
def test_a_wrong_choice_is_named_before_anything_is_done(
    arguments, words, home, pictures, tmp_path
):
    err = refused(home, "train", pictures, "--out", tmp_path / "run", *arguments)
    assert words in err
    assert not (tmp_path / "run").exists()


def test_paths_that_name_nothing_are_named(home, pictures, tmp_path):
    gone = tmp_path / "gone"
    assert "gone" in refused(home, "train", gone, "--out", tmp_path / "run")
    assert "gone" in refused(home, "predict", gone, pictures / "cat" / "0.png")
    assert "gone" in refused(home, "evaluate", gone, pictures)
    assert "gone" in refused(home, "export", gone, tmp_path / "model.zip")
    assert "gone" in refused(home, "explain", gone, pictures / "cat" / "0.png")
    assert "gone" in refused(home, "thresholds", gone)
    assert "gone" in refused(home, "pretraining-analysis", gone)


def test_a_folder_of_something_else_is_not_overwritten(home, pictures, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("Dear")
    assert "is not a run" in refused(home, "train", pictures, "--out", tmp_path / "letters")
    assert os.listdir(tmp_path / "letters") == ["dear.txt"]


def test_too_few_images_are_refused_with_the_remedy(home, tmp_path):
    (tmp_path / "data" / "only").mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(tmp_path / "data" / "only" / "1.png")
    assert refused(home, "train", tmp_path / "data", "--out", tmp_path / "run").endswith(".\n")


def test_with_json_a_problem_is_a_document_too(home, tmp_path):
    code, out, err = run_command(home, "evaluate", tmp_path / "gone", tmp_path, "--json")
    assert code == 2
    assert json.loads(out)["error"] in err


def test_lists_are_readable_by_people_and_programs(home):
    assert {row["name"] for row in as_json(home, "samples")} >= {"emoji", "digits", "surfaces"}
    backbones = {row["name"]: row for row in as_json(home, "backbones")}
    assert backbones["tf_efficientnet_lite0"]["available"] == "bundled"
    assert len(backbones) >= 15
    strategies = {row["name"]: row for row in as_json(home, "strategies")}
    assert {"feature_extraction", "last_stages", "full"} <= set(strategies)
    assert {"name", "title", "advice", "needs", "options"} <= strategies["full"].keys()
    options = {option["name"]: option for option in strategies["full"]["options"]}
    asked = {name: options["steps"][name] for name in ("type", "default", "range")}
    assert asked == {"type": "int", "default": 300, "range": "1 to 20000"}
    for command in ("samples", "backbones", "strategies"):
        code, out, _ = run_command(home, command)
        assert code == 0
        assert len(out.splitlines()) >= 3


def test_a_sample_is_written_as_class_folders(home, tmp_path):
    said = as_json(home, "samples", "surfaces", tmp_path / "surfaces")
    assert said["images"] == sum(said["classes"].values())
    assert "DIR" in refused(home, "samples", "surfaces")
    assert "emoji" in refused(home, "samples", "no such sample", tmp_path / "x")


def test_a_wrong_environment_variable_is_named(home, monkeypatch):
    monkeypatch.setenv("GRAFT_PORT", "a harbour")
    assert "port" in refused(home, "backbones")
