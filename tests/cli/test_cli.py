"""The command line does the whole way, from a folder of images to an exported model."""

import json
import os
import signal
import zipfile
from pathlib import Path

import pytest
from command_line import run_command
from commands import PHOTOGRAPHS, as_json, refused, start
from PIL import Image


@pytest.fixture(scope="module")
def trained(home, pictures, tmp_path_factory):
    """A finished run, with what `train --json` said."""
    run = tmp_path_factory.mktemp("runs") / "first"
    process = start(home, "train", pictures, "--out", run, "--evaluation", "holdout", "--json")
    out, err = process.communicate()
    assert process.returncode == 0, err
    return run, json.loads(out)


def test_training_ends_with_the_run_folder_and_the_held_out_score(trained):
    run, said = trained
    assert said["run"] == str(run)
    assert said["n"] == 6
    assert said["correct"] >= 5
    assert said["accuracy"] == said["correct"] / said["n"]
    assert said["interval"][0] < said["accuracy"] <= said["interval"][1]
    assert {"recipe.json", "report.json", "events.jsonl", "model"} <= set(os.listdir(run))


def test_a_finished_run_says_so_and_gives_its_score_again(trained, home, pictures):
    run, said = trained
    code, out, err = run_command(home, "train", pictures, "--out", run)
    assert code == 0
    assert "already finished" in err
    assert f"Correct on {said['correct']} of {said['n']}" in out
    assert out.rstrip().endswith(str(run))


def test_runs_are_compared_image_by_image(trained, home, pictures, tmp_path):
    run, _ = trained
    again = tmp_path / "again"
    train = ["train", pictures, "--out", again, "--evaluation", "holdout", "--set", "C=0.01"]
    assert run_command(home, *train)[0] == 0
    said = as_json(home, "compare", run, again)
    assert [row["run"] for row in said["runs"]] == [str(run), str(again)]
    (pair,) = said["pairs"]
    assert pair["comparable"]
    assert not pair["differs"]
    assert "6 test images" in pair["verdict"]
    assert "two or more" in refused(home, "compare", run, run)
    assert "gone" in refused(home, "compare", run, tmp_path / "gone")


def test_a_report_is_one_html_page_or_a_pdf(trained, home, tmp_path):
    run, _ = trained
    said = as_json(home, "report", run, tmp_path / "report.html")
    assert said["file"] == str(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") >= 5
    as_json(home, "report", run, tmp_path / "report.PDF")
    assert (tmp_path / "report.PDF").read_bytes().startswith(b"%PDF-")
    as_json(home, "report", run, tmp_path / "page.pdf", "--summary")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF-")
    assert "no results yet" in refused(home, "report", tmp_path, tmp_path / "none.html")


def test_worse_and_partly_hidden_images_are_tried(trained, home):
    run, _ = trained
    code, out, _ = run_command(home, "robustness", run, "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["n"], len(found["conditions"])) == (6, 18)
    assert [mask["kind"] for mask in found["background"]["masks"]] == ["border", "middle"]
    assert '"image"' not in out  # a terminal shows none


def test_another_recipe_in_the_same_folder_is_refused_with_the_difference(trained, home, pictures):
    run, _ = trained
    err = refused(home, "train", pictures, "--out", run, "--seed", "7")
    assert "seed (was 0, now 7)" in err


def test_evaluate_scores_a_folder_and_tells_what_it_left_out(trained, home, pictures, tmp_path):
    run, _ = trained
    (tmp_path / "data" / "zebra").mkdir(parents=True)
    for name in PHOTOGRAPHS:
        (tmp_path / "data" / name).mkdir()
        (tmp_path / "data" / name / "0.png").write_bytes((pictures / name / "0.png").read_bytes())
    Image.new("RGB", (64, 64), "gray").save(tmp_path / "data" / "zebra" / "z.png")
    (tmp_path / "data" / "cat" / "broken.jpg").write_bytes(b"no image")
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for file in (tmp_path / "data").rglob("*.*"):
            archive.write(file, file.relative_to(tmp_path))
    before = sorted((home / "images").rglob("*"))
    for source in (tmp_path / "data", tmp_path / "data.zip"):
        said = as_json(home, "evaluate", run, source)
        assert said["n"] == 3
        assert said["accuracy"] == said["correct"] / 3
        assert [row["label"] for row in said["per_class"]] == sorted(PHOTOGRAPHS)
        assert said["unknown_classes"] == {"zebra": 1}
        assert said["unknown_classes_called_unknown"] == 1
        assert len(said["skipped"]) == 1
        assert 0 < said["trained_on"] <= 3
    assert sorted((home / "images").rglob("*")) == before


def test_predict_answers_in_the_order_given(trained, home, pictures, tmp_path):
    run, _ = trained
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    files = [pictures / "space" / "0.png", broken, pictures / "cat" / "0.png"]
    rows = as_json(home, "predict", run, *files, ends_with=1)  # one cannot be read
    assert [row["image"] for row in rows] == [str(file) for file in files]
    assert [row.get("label") for row in rows] == ["space", None, "cat"]
    assert rows[0]["label"] in rows[0]["prediction_set"]
    assert [row.get("ood") for row in rows] == [False, None, False]
    assert all(0 <= row["ood_score"] <= 1 for row in (rows[0], rows[2]))
    assert set(rows[0]["probabilities"]) == set(PHOTOGRAPHS)
    assert sum(rows[0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert rows[1]["error"]


def test_an_answer_is_explained_by_a_map_and_by_learned_images_with_their_names(
    trained, home, pictures, tmp_path
):
    run, _ = trained
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    asked = [pictures / "cat" / "0.png", broken, pictures / "space" / "0.png"]
    maps = tmp_path / "maps"
    cat, gone, space = as_json(home, "explain", run, *asked, "--out", maps)
    assert (cat["label"], space["label"]) == ("cat", "space")
    assert "error" in gone
    assert {"confidence", "rank_correlation", "nearest"} <= cat.keys()
    assert "base64" not in json.dumps(cat)
    for row in (cat, space):
        first = row["nearest"][0]
        assert first["name"].startswith(f"{row['label']}/")
        assert (pictures / first["name"]).exists()
    assert [Path(row["map"]).name for row in (cat, space)] == ["1-0.png", "3-0.png"]
    with Image.open(space["map"]) as shown:
        assert (shown.format, shown.size) == ("PNG", (224, 224))
    assert len(os.listdir(maps)) == 2


def test_a_person_reads_why_and_no_map_is_written_unasked(trained, home, pictures):
    code, out, _ = run_command(home, "explain", trained[0], pictures / "coffee" / "0.png")
    assert code == 0
    assert "what was learned" in out  # whether the map depends on it, or could not be checked
    assert "Most similar training images: coffee/" in out
    assert "The map is in" not in out
    assert "gone.png" in run_command(home, "explain", trained[0], "gone.png")[1]
    assert run_command(home, "explain", trained[0], "gone.png")[0] == 2


def test_thresholds_say_what_is_left_to_a_person_and_what_the_rest_is_worth(trained, home):
    run, said = trained
    every, none = as_json(home, "thresholds", run, "--at", 0, 1)["thresholds"]
    assert (every["abstained"], every["correct"]) == (0, said["correct"])
    assert none["abstained"] == said["n"]
    assert none["interval"] == [0, 1]
    for row in every["classes"]:
        assert (
            row["precision"][0] <= row["correct"] / max(1, row["predicted"]) <= row["precision"][1]
        )
        assert row["recall"][0] <= row["correct"] / row["n"] <= row["recall"][1]
    code, out, _ = run_command(home, "thresholds", run)
    assert code == 0
    assert out.count("go to a person") == 4
    assert "cheapest" not in out
    assert "slightly too good" in out
    assert "between 0 and 1" in refused(home, "thresholds", run, "--at", "70")


def test_what_mistakes_cost_gives_the_cheapest_answers(trained, home):
    run, said = trained
    free = as_json(home, "thresholds", run, "--person", 0)["costs"]
    assert free["mean"]["after"] == 0
    dear = as_json(home, "thresholds", run, "--costs", "cat:space=100", "space:cat=0")["costs"]
    assert dear["abstained"] == 0
    assert sum(map(sum, dear["confusion"])) == said["n"]
    assert "cheapest" in run_command(home, "thresholds", run, "--costs", "cat:space=100")[1]
    assert "The classes are: cat" in refused(home, "thresholds", run, "--costs", "cat:dog=1")
    assert "at least 0" in refused(home, "thresholds", run, "--costs", "cat:space=much")
    assert "at least 0" in refused(home, "thresholds", run, "--person", "-1")


def test_what_lies_ahead_is_told_and_told_again_from_what_was_kept(trained, home, pictures):
    code, out, err = run_command(home, "pretraining-analysis", pictures, "--json")
    assert code == 0, err
    said = json.loads(out)
    assert said["domain_shift"]["nearness"] in ("near", "between", "far")
    assert said["classes"] == sorted(PHOTOGRAPHS)
    last = said["curve"]["points"][-1]
    assert 0 < last["accuracy"]["stderr"] < 0.5
    assert last["recall"]["cat"].keys() == {"mean", "stderr"}
    assert {"trend", "forecast", "helpful", "asked_by_class"} <= said["curve"].keys()
    assert "Training on fewer" in err
    code, out, err = run_command(home, "pretraining-analysis", pictures)
    assert code == 0
    assert "Training on fewer" not in err
    assert out.count("Trained on") == len(said["curve"]["points"])
    assert "which class needs more" in out or "would probably help" in out


def test_predict_with_nothing_readable_fails(trained, home, tmp_path):
    code, out, _ = run_command(home, "predict", trained[0], tmp_path / "gone.png", "--json")
    assert code == 2
    assert "error" in json.loads(out)[0]


def test_an_exported_model_can_be_used_as_a_run(trained, home, pictures, tmp_path):
    run, _ = trained
    said = as_json(home, "export", run, tmp_path / "model.zip")
    assert said["file"] == str(tmp_path / "model.zip")
    assert said["max_difference"] < 1e-5
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        archive.extractall(tmp_path / "model")
    picture = pictures / "coffee" / "0.png"
    assert as_json(home, "predict", tmp_path / "model", picture) == as_json(
        home, "predict", run, picture
    )


def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(home, pictures, tmp_path):
    command = ["train", pictures, "--out", tmp_path / "run", "--strategy", "full",
               "--set", "steps=12", "batch=8", "mirror=no"]  # fmt: skip
    process = start(home, *command, "--json")
    for line in process.stderr:
        if '"event": "Step"' in line:
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate()
    assert process.returncode == 130, err
    stopped = json.loads(out)
    assert stopped["stopped"] is True
    assert 0 < stopped["step"] < stopped["of"] == 12
    code, out, err = run_command(home, *command, "--json")
    assert code == 0
    assert f'"resumed_at_step": {stopped["step"]}' in err
    assert json.loads(out)["stopped"] is False
