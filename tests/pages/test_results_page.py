"""Results, run as a script against a home folder of its own."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from leaves import CLASSES, fill, finish_run
from opened import everything, open_page, press

from core.analysis.background_reliance import background_reliance
from core.evaluation.report import Report
from core.events import Finished
from core.export.figures import headline
from core.export.html import html
from core.files import read_sealed
from core.jobs.log import append
from core.jobs.queue import stop
from core.jobs.recent import recent_jobs
from core.projects import run_folder

LITE1 = "tf_efficientnet_lite1"
PLACES = ["images", "train", "results", "use"]


def test_results_say_how_good_how_sure_and_against_what(home):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="feature_extraction", wrong=9, origin="automatic")
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    said = everything(open_page("results", project=project, run=run, look="All runs"))
    assert "About 94 % correct (likely 82–98 %)" in said
    assert "On 36 images it had not seen" in said
    assert "Guessing would get 33 %" in said
    assert "How it compares" in said
    assert "your first model" in said
    assert "To see whether transfer helps" in said  # there is no run from scratch
    assert said.count('<tr class="') == 2 + 4  # runs; this one and its three references


LOOKS = ["Which classes it confuses", "All mistakes", "Confidence", "When to ask a person",
         "What mistakes cost", "Robustness", "All runs"]  # fmt: skip


@pytest.fixture
def results(home):
    """Opens one look of the results of a run with nine mistakes of 36."""
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=9)
    return lambda look: open_page("results", project=project, run=run, look=look)


@pytest.mark.parametrize("look", LOOKS)
def test_no_look_at_the_results_shows_a_hostile_class_name_as_markup(results, look):
    said = everything(results(look))
    assert "oak <b>" not in said
    assert "<i>my</i>" not in said


def test_how_sure_it_is_names_the_images_that_the_adjustment_comes_from(results):
    said = everything(results("Confidence"))
    assert "on the 36 test images, since it was trained on all others" in said
    assert "cross-fitted" in said
    assert "log-loss" in said


@pytest.mark.parametrize("look", ["Confidence", "When to ask a person"])
def test_of_a_cross_validation_it_is_said_that_each_image_was_new_to_its_model(home, look):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="feature_extraction", wrong=9)
    file = run_folder(run) / "report.json"
    content = json.loads(read_sealed(file))
    content["n_folds"] = content["calibration"]["n_folds"] = 5
    file.write_text(json.dumps(content), encoding="utf-8")
    said = everything(open_page("results", project=project, run=run, look=look))
    judges = "36 images, each tested by one of 5 models not trained on it"
    assert said.count(judges) == (3 if look == "Confidence" else 1)
    assert 'On 36 images it had not seen <span class="term">(cross-validation)</span>' in said


def test_a_line_leaves_images_to_a_person_and_the_rest_is_recomputed(results):
    app = results("When to ask a person")
    assert "0 of 36 images left" in everything(app)
    app.slider[0].set_value(81).run()
    said = everything(app)
    assert "36 of 36 images left to a person" in said
    assert "No image is answered" in said
    app.slider[0].set_value(80).run()
    assert "0 of 36 images left" in everything(app)
    app.selectbox[0].set_value(0).run()
    app.slider[0].set_value(90).run()
    said = everything(app)
    assert "12 of 36 images left to a person" in said
    assert "Of the other 24, it gets 15 right" in said


def test_where_mistakes_cost_differently_other_answers_are_given(results):
    app = results("What mistakes cost")
    assert "They cost 0.25 per test image" in everything(app)
    app.toggle[0].set_value(True).run()
    app.number_input[0].set_value(0.1).run()
    said = everything(app)
    assert "36 of them left to a person" in said
    assert "0.10 per image instead of 0.25: cheaper" in said


def test_worse_images_are_tried_when_somebody_asks_and_shown_when_they_were(results, home):
    app = press(results("Robustness"), "Test robustness")
    (job,) = recent_jobs("robustness")
    stop(job)
    (folder,) = (home / "runs").iterdir()
    condition = {"kind": "blur", "title": "Out of focus", "term": "Gaussian blur", "p": 0.01,
                 "p_corrected": 0.01,
                 "level": "strongly", "right": 9, "interval": [0.1, 0.4], "worse": True,
                 "unknown": 2, "picture": "data:image/jpeg;base64,AAAA"}  # fmt: skip
    found = {"n": 36, "right": 27, "interval": [0.6, 0.9], "conditions": [condition]}
    (folder / "robustness.json").write_text(json.dumps(found), encoding="utf-8")
    app.run()
    said = everything(app)
    assert "does worse when images are out of focus" in said
    assert "9 of 36 correct" in said
    assert "2 images called unknown" in said
    assert len(recent_jobs("robustness")) == 1


def test_what_an_earlier_version_found_of_worse_images_is_shown_and_can_be_looked_at_anew(
    results, home
):
    (folder,) = (home / "runs").iterdir()
    found = {"n": 36, "right": 27, "interval": [0.6, 0.9], "conditions": []}
    (folder / "robustness.json").write_text(json.dumps(found), encoding="utf-8")
    app = results("Robustness")
    assert "Not checked yet. This hides the middle" in everything(app)
    press(app, "Hide the middle")
    (job,) = recent_jobs("robustness")
    stop(job)


@pytest.mark.parametrize(("alone", "warned"), [(26, True), (12, False)])
def test_the_background_is_blamed_only_where_the_border_is_enough(results, home, alone, warned):
    (folder,) = (home / "runs").iterdir()
    whole, border, middle = ((np.arange(36) < n).astype(np.int64) for n in (27, alone, 27))
    behind = background_reliance(
        [name for name in CLASSES for _ in range(12)],
        whole,
        {"border": border, "middle": middle},
        dict.fromkeys(("border", "middle"), "data:image/jpeg;base64,AAAA"),
    )
    found = {"n": 36, "right": 27, "interval": [0.6, 0.9], "conditions": []}
    found["background"] = asdict(behind)
    (folder / "robustness.json").write_text(json.dumps(found), encoding="utf-8")
    app = results("Robustness")
    said = everything(app)
    assert f"{alone} of 36 correct" in said
    assert "a guess at where the subject is" in said
    assert ["may rely on the background" in warning.value for warning in app.warning] == (
        [True] if warned else []
    )
    assert ("There is no sign that it relies on the background" in said) is not warned


def test_an_answer_is_explained_when_somebody_asks(results):
    app = press(results("All mistakes"), "Why?")
    (job,) = recent_jobs("explain")
    stop(job)
    found = {"label": "oak <b>", "share": 0.8, "verdict": "dependent", "random": 0.1,
             "picture": "data:image/jpeg;base64,A", "map": "data:image/jpeg;base64,B",
             "nearest": [{"image": "0" * 64, "label": "<i>x", "cosine": 0.9}]}  # fmt: skip
    append(job, Finished(1.0, found))
    app.run()
    said = everything(app)
    assert "base64,B" in said
    assert "so it depends on what was learned" in said
    assert "<i>x" not in said
    append(job, Finished(1.0, found | {"verdict": "independent", "random": 0.7, "nearest": []}))
    app.run()
    said = everything(app)
    assert "shows the image rather than what was learned" in said
    assert "too few training images to compare with" in said
    append(job, Finished(1.0, found | {"verdict": "unchecked", "random": None}))
    said = everything(app.run())
    assert "could not be checked" in said
    assert "so it depends on what was learned" not in said
    append(job, Finished(1.0, found | {"verdict": "flat", "random": None}))
    said = everything(app.run())
    assert "No part of this image stands out" in said
    assert "Amber marks" not in said
    press(app, "Close")
    assert "why" not in app.query_params


def test_an_explanation_of_an_older_version_has_no_verdict_and_is_asked_for_anew(results):
    app = press(results("All mistakes"), "Why?")
    (job,) = recent_jobs("explain")
    stop(job)
    older = {"label": "maple", "share": 0.8, "random": 0.0, "picture": "data:image/jpeg;base64,A",
             "map": "data:image/jpeg;base64,B", "nearest": []}  # fmt: skip
    append(job, Finished(1.0, older))
    said = everything(app.run())
    assert "could not be checked" in said
    press(press(app, "Close"), "Why?")
    assert len(recent_jobs("explain")) == 2
    stop(recent_jobs("explain")[0])


def test_results_of_an_older_version_are_shown_without_what_they_lack(results, home):
    (file,) = (home / "runs").glob("*/report.json")
    content = json.loads(read_sealed(file))
    del content["calibration"]
    file.write_text(json.dumps(content), encoding="utf-8")
    assert ">Calibration<" not in everything(results("Confidence"))


def test_where_only_another_domain_was_tested_that_stands_beside_the_score(results, home):
    assert not results("").warning
    (file,) = (home / "runs").glob("*/report.json")
    content = json.loads(read_sealed(file))
    content["target_domain"] = {"n": 90, "changed": 31}
    file.write_text(json.dumps(content), encoding="utf-8")
    (caution,) = results("").warning
    assert "This score is for images of the source domain" in caution.value
    assert "on 31 of 90 unlabelled images" in caution.value
    in_document = " ".join(html(headline(Report.load(file.parent))).split())
    assert caution.value in in_document


@pytest.mark.parametrize("older", [False, True])
def test_what_it_says_of_each_class_has_its_interval(results, home, older):
    (file,) = (home / "runs").glob("*/report.json")
    content = json.loads(read_sealed(file))
    if older:  # without what it says of each class
        del content["format"], content["per_class"], content["calibration"]
    file.write_text(json.dumps(content), encoding="utf-8")
    said = everything(results(""))
    assert "3 of 12 (likely 9–53 %)" in said  # found, of the nine mistakes' class
    assert "12 of 21 (likely 37–76 %)" in said  # right when it says the next one
    assert "F1" not in said


def test_results_say_plainly_when_transfer_hurts(home):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="from_scratch", wrong=1)
    run = finish_run(home, project, dataset, strategy="full", wrong=20)
    app = open_page("results", project=project, run=run)
    assert "Negative transfer" in app.warning[-1].value
    assert "To see whether transfer helps" not in everything(app)
