"""The command line with other worlds, unsorted images, a teacher and an earlier run."""

import json

import pytest
from command_line import run_command
from PIL import Image


@pytest.fixture(scope="module")
def brought(tmp_path_factory):
    """Coloured squares of two classes, their grey twins, and some that nobody has sorted."""
    folder = tmp_path_factory.mktemp("brought")
    for number in range(8):
        for name, colour in (("red", (200 + number, 20, 20)), ("blue", (20, 20, 200 + number))):
            _write(folder / "own" / name / f"{number}.png", colour)
            _write(folder / "world" / name / f"{number}.png", tuple(max(0, c - 15) for c in colour))
        _write(folder / "new" / "green" / f"{number}.png", (20, 200 + number, 20))
        _write(folder / "loose" / f"{number}.png", (150 + number, 40, 40))
    return folder


def _write(file, colour):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 64), colour).save(file)


@pytest.fixture(scope="module")
def graft(brought):
    """Run a command in a home of its own; gives the exit code and what it printed."""

    def run(*arguments):
        code, out, _ = run_command(brought / "home", *arguments, "--json")
        return code, json.loads(out)

    return run


def test_another_domain_is_learned_from_and_ones_own_classes_only_test(brought, graft, tmp_path):
    code, report = graft(
        "train", brought / "own", "--source", brought / "world", "--unlabelled", brought / "loose",
        "--unlabelled-target", "--strategy", "domain_alignment", "--size", 64, "--evaluation",
        "holdout", "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0
    assert report["n_train"] == 16  # the other world's; none of the sixteen own ones
    assert report["n"] == 4
    assert report["start"]["correct"] == 4  # red and blue are no harder in the other world


def test_a_strategy_that_learns_from_the_target_is_refused_without_its_labels(
    brought, graft, tmp_path
):
    code, said = graft(
        "train", brought / "own", "--unlabelled-target", "--strategy", "full", "--out",
        tmp_path / "run",
    )  # fmt: skip
    assert code == 2
    assert "domain_adaptation" in said["error"]


def test_classes_that_are_not_to_be_learned_need_others_that_are(brought, graft, tmp_path):
    code, said = graft(
        "train", brought / "own", "--unlabelled", brought / "loose", "--unlabelled-target",
        "--strategy", "domain_adaptation", "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 2
    assert "--source DATA" in said["error"]


def test_a_sorted_world_is_adapted_to_one_of_which_nothing_is_sorted(brought, tmp_path):
    code, out, _ = run_command(
        brought / "home", "train", brought / "world", "--unlabelled", brought / "loose",
        "--strategy", "domain_adaptation", "--set", "steps=2", "batch=8", "--size", 64,
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0
    assert "This score is for images of the source domain," in out


@pytest.mark.parametrize(("flag", "fitting"), [("source", "weighting"), ("unlabelled", "labels")])
def test_what_a_strategy_never_looks_at_is_refused(brought, graft, tmp_path, flag, fitting):
    code, said = graft(
        "train", brought / "own", "--strategy", "full", f"--{flag}", brought / "world", "--out",
        tmp_path / "run",
    )  # fmt: skip
    assert code == 2
    assert f"“full” does not use --{flag}" in said["error"]
    assert fitting in said["error"]


def test_what_a_strategy_lacks_is_said(brought, graft, tmp_path):
    code, said = graft(
        "train", brought / "own", "--strategy", "pseudo_labels", "--out", tmp_path / "run"
    )
    assert code == 2
    assert "--unlabelled" in said["error"]


def test_an_earlier_run_teaches_and_is_gone_on_from(brought, graft, tmp_path):
    first = tmp_path / "first"
    code, report = graft("train", brought / "own", "--size", 64, "--out", first)
    assert code == 0
    assert (report["n_folds"], report["n"]) == (5, 16)  # few images, a classifier: all in turn
    code, taught = graft(
        "train", brought / "own", "--size", 64, "--strategy", "distillation", "--teacher", first,
        "--set", "steps=2", "batch=8", "--out", tmp_path / "taught",
    )  # fmt: skip
    assert code == 0
    code, on = graft("train", brought / "own", "--size", 64, "--from", first, "--out",
                     tmp_path / "on")  # fmt: skip
    assert code == 0
    assert (taught["n_folds"], on["n_folds"]) == (1, 1)  # the earlier model has seen the others


def test_a_single_new_class_joins_what_an_earlier_run_knows(brought, graft, tmp_path):
    first = tmp_path / "first"
    graft("train", brought / "own", "--size", 64, "--evaluation", "holdout", "--out", first)
    code, report = graft(
        "train", brought / "new", "--size", 64, "--strategy", "continual", "--from", first,
        "--set", "steps=2", "batch=8", "--out", tmp_path / "second",
    )  # fmt: skip
    assert code == 0
    assert report["classes"] == ["blue", "green", "red"]
    assert report["retention"]["n"] == 4


def test_strategies_say_what_they_need(graft):
    _, rows = graft("strategies")
    needs = {row["name"]: row["needs"] for row in rows}
    assert needs["domain_adaptation"] == ["unlabelled"]
    assert needs["domain_alignment"] == ["source", "unlabelled"]
    assert needs["distillation"] == ["teacher"]
    assert needs["full"] == []


def test_a_table_with_two_columns_is_learned_evaluated_and_taken_away_question_by_question(
    brought, graft, tmp_path
):
    rows, data = ["file,colour,look"], tmp_path / "data"
    for number in range(10):
        for name, colour in (("red", (200, 20, 20)), ("blue", (20, 20, 200))):
            for look in ("plain", "striped"):
                file = f"{name}-{look}-{number}.png"
                _write(data / file, (colour[0], colour[1] + number, colour[2]))
                if look == "striped":
                    image = Image.open(data / file)
                    for left in range(0, 64, 12):
                        image.paste((250, 250, 250), (left, 0, left + 5, 64))
                    image.save(data / file)
                rows.append(f"{file},{name},{look}")
    (data / "labels.csv").write_text("\n".join(rows))
    run = tmp_path / "run"
    code, report = graft(
        "train", data, "--strategy", "multi_task", "--labels", "colour,look", "--size", 64,
        "--set", "steps=24", "batch=8", "weights={\"look\": 2}", "--out", run,
    )  # fmt: skip
    assert code == 0
    assert (report["task"], [each["task"] for each in report["other_tasks"]]) == (
        "colour",
        ["look"],
    )
    code, scores = graft("evaluate", run, data)
    assert code == 0
    assert set(scores["tasks"]) == {"colour", "look"}
    assert scores["tasks"]["look"]["accuracy"] > 0.8
    code, (row,) = graft("predict", run, data / "red-striped-3.png")
    assert {task: each["label"] for task, each in row["tasks"].items()} == {
        "colour": "red", "look": "striped",
    }  # fmt: skip
    code, told = graft("export", run, tmp_path / "model.zip")
    assert code == 0
    assert told["max_difference"] < 1e-4
