"""Every page, run as a script against a home folder of its own."""

import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest
from leaves import CLASSES, LITE0, fill, finish_run, judge_elsewhere, leaf
from opened import everything, open_page, press

from core.analysis.background_reliance import background_reliance
from core.dataset.ingest.decode import Decoded
from core.dataset.manifest import Dataset, ImageMetadata
from core.dataset.store import Store
from core.errors import BadInput, Diverged, OutOfSpace
from core.evaluation.report import Report
from core.events import Failed, Finished, Skipped, Started, Stopped
from core.export.figures import headline
from core.export.html import html
from core.files import read_sealed
from core.jobs.log import append
from core.jobs.queue import new_job, status, stop
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec
from core.projects import add_dataset, get_run, list_projects, run_folder, runs
from core.strategies import strategies as all_strategies

LITE1 = "tf_efficientnet_lite1"
PLACES = ["images", "train", "results", "use"]


def test_an_empty_app_says_what_it_is_and_what_to_do(home):
    app = open_page("home")
    assert "It learns to tell them apart" in everything(app)
    assert app.button[0].label == "Start a project"


def test_a_project_is_begun_by_naming_it(home):
    app = open_page("home")
    app.text_input[0].set_value("Leaves")
    press(app, "Start a project")
    assert [project.title for project in list_projects()] == ["Leaves"]


def test_a_project_without_a_name_is_not_begun_and_says_why(home):
    app = press(open_page("home"), "Start a project")
    assert "Type a name" in app.error[0].value
    assert list_projects() == []


def test_a_sample_is_one_click_away(home):
    app = open_page("home")
    app.button(key="sample-emoji").click().run()
    (project,) = list_projects()
    assert len(recent_jobs("import", project=project.id, sample="emoji")) == 1


def test_a_deleted_project_can_be_brought_back(home):
    project, _ = fill(home)
    app = open_page("home")
    app.button(key=f"delete-{project}").click().run()
    assert list_projects() == []
    press(app, "Undo")
    assert [one.id for one in list_projects()] == [project]


@pytest.mark.parametrize("page", PLACES)
@pytest.mark.parametrize("query", [{}, {"project": "0" * 16}, {"project": "../../etc"}])
def test_a_step_without_its_project_offers_the_way_to_the_projects(home, page, query):
    app = open_page(page, **query)
    assert "Which project?" in everything(app)
    assert [button.label for button in app.button] == ["Show my projects"]


@pytest.mark.parametrize("page", PLACES[1:])
def test_a_step_before_there_are_images_leads_to_the_images(home, page):
    open_page("home").text_input[0].set_value("Leaves").run()
    from core.projects import create_project

    app = open_page(page, project=create_project("Empty").id)
    assert "Add images first" in everything(app)
    assert "Add images" in [button.label for button in app.button]


@pytest.mark.parametrize("page", PLACES)
def test_no_page_shows_a_hostile_class_name_as_markup(home, page):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="feature_extraction", wrong=4, origin="automatic")
    finish_run(home, project, dataset, strategy="full", wrong=2)
    said = everything(open_page(page, project=project, strategy="full"))
    assert "oak <b>" not in said
    assert "<i>my</i>" not in said
    assert "![birch](http:" not in said.replace("<", " ") or "<bdi" in said


def test_the_images_page_counts_and_shows_what_is_there(home):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="feature_extraction", wrong=4, origin="automatic")
    said = everything(open_page("images", project=project))
    assert "36 images in 3 classes" in said
    assert said.count("/graft/thumb/") >= 24
    assert "About 89 % correct (likely" in said
    assert "my garden" in said


def test_left_out_files_are_listed_with_their_reasons(home):
    project, _ = fill(home)
    job = new_job()
    JobSpec("import", {"project": project}).write(job)
    append(job, Started(0.0))
    append(job, Skipped("cats/<b>.jpg", "It is cut off. Export it again."))
    append(job, Finished(1.0, {}))
    said = everything(open_page("images", project=project))
    assert "It is cut off" in said
    assert "&lt;b&gt;.jpg" in said


def test_a_failed_import_says_why_and_can_go_on(home):
    project, _ = fill(home)
    job = new_job()
    JobSpec("import", {"project": project}).write(job)
    append(job, Failed("The disk is full. Free some space."))
    app = open_page("images", project=project)
    assert "is full" in app.error[0].value
    assert "Try again" in [button.label for button in app.button]


def test_an_import_that_would_only_fail_again_offers_no_button_for_it(home):
    project, _ = fill(home)
    job = new_job()
    JobSpec("import", {"project": project}).write(job)
    append(job, Failed.by(BadInput("The archive “a.zip” is broken. Make it again.")))
    app = open_page("images", project=project)
    assert "Make it again" in app.error[0].value
    assert not {"Try again", "Resume"} & {button.label for button in app.button}


@pytest.mark.parametrize("page", ["home", *PLACES])
def test_a_damaged_manifest_is_said_and_the_way_out_shown(home, page):
    project, dataset = fill(home)
    (home / "datasets" / f"{dataset}.json").write_text("{", encoding="utf-8")
    app = open_page(page, project=project)
    assert "is damaged" in everything(app)
    assert app.button


def test_a_backbone_is_chosen_by_a_click_and_goes_into_the_address(home):
    project, _ = fill(home)
    app = open_page("train", change="backbone", project=project)
    assert app.button(key=f"choose-{LITE0}").disabled  # it is the one in use
    app.button(key=f"choose-{LITE1}").click().run()
    assert app.query_params["backbone"] in (LITE1, [LITE1])
    assert "change" not in app.query_params


def test_words_can_be_given_for_each_class_where_the_network_can_read(home):
    project, _ = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0)
    assert "choose-descriptions" not in [button.key for button in app.button]
    assert "choose SigLIP 2 base as backbone" in everything(app)
    siglip = "vit_base_patch16_siglip_224.v2_webli"
    app = open_page(
        "train", change="method", project=project, backbone=siglip, strategy="descriptions"
    )
    assert not app.exception
    assert "What each class looks like" in everything(app)


@pytest.mark.parametrize("page", ["train"])
def test_images_of_other_channels_are_told_where_a_network_is_chosen(home, page):
    project, dataset = fill(home)
    assert "channels" not in everything(open_page(page, project=project))
    store = Store(home)
    values = np.zeros((8, 8, 5), np.uint16)
    image = store.take(Decoded(leaf(0, 0), True, ImageMetadata("TIFF", 8, 8, "", 1), array=values))
    items = tuple(replace(item, image=image) for item in store.load(dataset).items)
    add_dataset(project, store.save(Dataset("Leaves", items)))
    said = everything(open_page(page, project=project))
    assert "5 channels of 16 bits. The first layer of the network is adapted to that" in said


def test_offline_a_backbone_from_the_network_cannot_be_chosen_and_says_the_way_out(home):
    project, _ = fill(home)
    app = open_page("train", change="backbone", project=project)
    assert "choose-resnet50.a1_in1k" not in [button.key for button in app.button]
    assert [each for each in app.expander if "not on this computer" in each.label]
    assert "GRAFT" in app.info[0].value
    assert "WEIGHTS" in app.info[0].value


def test_starting_a_training_writes_the_recipe_and_hands_it_in(home):
    project, dataset = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0, strategy="full")
    press(app, "Start training")
    (run,) = runs(project)
    assert (run.recipe.dataset, run.recipe.strategy, run.recipe.options) == (dataset, "full", {})
    assert status(run.folder).state == "queued"
    stop(run.folder)


def test_only_options_that_differ_from_the_defaults_go_into_the_recipe(home):
    project, _ = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0, strategy="full")
    app.number_input(key=f"full-{LITE0}-steps").set_value(7).run()
    press(app, "Start training")
    assert runs(project)[0].recipe.options == {"steps": 7}


def test_the_time_is_measured_once_for_each_recipe(home):
    project, _ = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0, strategy="full")
    app.run()
    assert len(recent_jobs("estimate")) == 1


def test_what_was_asked_before_is_stopped_and_measured_when_it_is_asked_again(home):
    project, _ = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0, strategy="full")
    (former,) = recent_jobs("estimate")
    steps = app.number_input(key=f"full-{LITE0}-steps")
    usual = steps.value
    steps.set_value(7).run()
    newest = recent_jobs("estimate")[0]
    assert newest != former
    assert (status(former).state, status(newest).state) == ("stopped", "queued")
    app.number_input(key=f"full-{LITE0}-steps").set_value(usual).run()
    assert len(recent_jobs("estimate")) == 2
    assert (status(former).state, status(newest).state) == ("queued", "stopped")


def test_a_measured_time_is_said_in_words(home):
    project, _ = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0, strategy="full")
    (job,) = recent_jobs("estimate")
    append(job, Finished(1.0, {"seconds": 200.0, "how": "Ten steps were timed."}))
    app.run()
    assert "About 3 minutes" in everything(app)


def test_a_stopped_run_can_go_on_and_a_failed_one_says_why(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    log = run_folder(run) / "events.jsonl"
    log.write_text(log.read_text(encoding="utf-8").rsplit("\n", 2)[0] + "\n", encoding="utf-8")
    append(run_folder(run), Stopped(20, 40))
    app = open_page("train", project=project, watch=run)
    assert "step 20 of 40" in everything(app)
    press(app, "Resume")
    assert status(run_folder(run)).state == "queued"
    stop(run_folder(run))


@pytest.mark.parametrize(("error", "offered"), [(Diverged("No."), 0), (OutOfSpace("Not now."), 1)])
def test_a_failed_training_offers_another_try_only_where_that_may_help(home, error, offered):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    log = run_folder(run) / "events.jsonl"
    log.write_text(log.read_text(encoding="utf-8").rsplit("\n", 2)[0] + "\n", encoding="utf-8")
    append(run_folder(run), Failed.by(error))
    app = open_page("train", project=project, watch=run)
    assert str(error).removesuffix(".") in app.error[0].value
    labels = [button.label for button in app.button]
    assert labels.count("Try again") == offered
    assert "Start another" in labels


def test_a_model_that_is_looked_at_does_not_push_start_down(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    said = everything(open_page("train", project=project, run=run))
    assert "Trained:" not in said
    assert "Trained:" in everything(open_page("train", project=project, watch=run))


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
def test_of_a_cross_validation_it_is_said_that_each_image_was_new_to_its_evaluate(home, look):
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


def test_answer_is_explained_when_somebody_asks(results):
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


def test_where_only_another_domain_could_evaluate_that_stands_beside_the_score(results, home):
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


def test_going_on_with_a_model_is_asked_which_and_takes_its_network(home):
    project, dataset = fill(home)
    first = finish_run(home, project, dataset, strategy="feature_extraction", wrong=2)
    finish_run(home, project, dataset, strategy="full", wrong=2)
    app = open_page("train", change="method", project=project, backbone=LITE1, strategy="continual")
    app.selectbox(key="option-goes-on").set_value(first).run()
    press(app, "Start training")
    recipe = runs(project)[0].recipe
    assert (recipe.strategy, recipe.start, recipe.backbone) == ("continual", first, LITE0)


def test_distilling_asks_which_model_teaches(home):
    project, dataset = fill(home)
    teacher = finish_run(home, project, dataset, strategy="feature_extraction", wrong=2)
    app = open_page(
        "train", change="method", project=project, backbone=LITE0, strategy="distillation"
    )
    press(app, "Start training")
    recipe = runs(project)[0].recipe
    assert (recipe.strategy, recipe.teacher, recipe.start) == ("distillation", teacher, "")


def test_what_may_be_nought_or_one_can_be_chosen_so(home):
    project, _ = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0, strategy="full")
    bounds = {slider.key.split("-")[-1]: (slider.min, slider.max) for slider in app.slider}
    assert bounds["colour"] == (0, 0.9)
    assert bounds["layer_decay"] == (0.05, 1)
    assert bounds["ema"] == (0, 0.99)


def test_a_run_from_nothing_is_one_press_away(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    press(open_page("results", project=project, run=run), "Train one from scratch")
    (begun,) = [each for each in runs(project) if each.id != run]
    assert not all_strategies()[begun.recipe.strategy].transfers
    assert begun.dataset_id == dataset
    app = open_page("results", project=project, run=run)
    assert "Train one from scratch" not in [button.label for button in app.button]
    append(run_folder(begun.id), Failed("The disk is full."))
    app.run()
    assert "Train one from scratch" in [button.label for button in app.button]


def test_the_runs_are_compared_with_the_one_shown_and_only_where_that_is_possible(home):
    project, dataset = fill(home)
    better = finish_run(home, project, dataset, strategy="feature_extraction", wrong=1)
    run = finish_run(home, project, dataset, strategy="full", wrong=20)
    said = everything(open_page("results", project=project, run=run, look="All runs"))
    assert ">better</span>" in said
    assert "This one does better on the same 36 test images" in said
    judge_elsewhere(better)
    said = everything(open_page("results", project=project, run=run, look="All runs"))
    assert "other test images" in said
    assert "tested on different images" in said
    assert ">better</span>" not in said


def test_how_many_images_would_tell_two_runs_apart_is_said_as_text(home):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="feature_extraction", wrong=5)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    app = open_page("results", project=project, run=run, look="All runs")
    (table,) = [
        one.proto.body for one in app.main.get("html") if "Compared with the one" in one.proto.body
    ]
    assert ">equally good</span>" in table
    shown = re.sub(r"<[^>]*>", "", table)
    assert "They do equally well on 36 test images (p = 0.25)." in shown
    assert "The one shown alone is right on 3, this one alone on 0." in shown
    assert "If the difference is real, about 110 test images would show it." in shown


def test_what_it_is_worth_says_how_many_images_would_do_where_nothing_is_shown(home):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="from_scratch", wrong=14)
    run = finish_run(home, project, dataset, strategy="full", wrong=20)
    app = open_page("results", project=project, run=run)
    said = everything(app)
    assert "Transfer made no measurable difference." in said  # 6:0, one of several comparisons
    assert not [one for one in app.warning if "Negative transfer" in one.value]
    assert "would show it" in said[said.index("Transfer made no measurable") :].split("</tr>")[0]
    assert "Holm correction" in said[said.index("How it compares") :].split("</h2>")[0]


@pytest.mark.parametrize(("page", "part"), [("results", "run"), ("train", "watch"), ("use", "run")])
def test_two_runs_made_of_the_same_are_told_apart_and_each_can_be_chosen(home, page, part):
    project, dataset = fill(home)
    first = finish_run(home, project, dataset, strategy="full", wrong=2, title="First model")
    second = finish_run(home, project, dataset, strategy="full", wrong=9, title="First model")
    app = open_page(page, project=project, **{part: second})
    made_of = "(★ )?First model · Fine-tune the whole network · EfficientNet-Lite0"
    alike = rf"{made_of} \(\d\d \w+, \d\d:\d\d\)"
    assert re.fullmatch(alike, app.selectbox[0].options[1])
    assert app.selectbox[0].options[0] not in app.selectbox[0].options[1:]
    for run, other in ((second, 1), (first, 0), (second, 1)):
        app.run()  # a page that is drawn again stays with its run
        assert app.query_params[part] in (run, [run])
        app.selectbox[0].select_index(other)
        app.run()
        assert not app.exception


def test_a_deleted_run_leaves_the_table_and_can_come_back(home):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="feature_extraction", wrong=9, origin="automatic")
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    app = press(open_page("results", project=project, run=run, look="All runs"), "Delete this run")
    assert len(runs(project)) == 1
    press(app, "Restore the deleted run")
    assert get_run(run).deleted_at is None


def test_an_unknown_question_in_the_address_is_a_sentence(home):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="full", wrong=2)
    app = open_page("use", project=project, asked="../../x")
    assert len(app.error) == 1


def test_a_ready_export_states_the_greatest_difference(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    job = new_job()
    JobSpec("export", {"run": run}).write(job)
    append(job, Finished(1.0, {"file": "model.zip", "greatest_difference": 2e-7, "images": 8}))
    said = everything(open_page("use", project=project, run=run))
    assert "0.0000002" in said
    assert "8 images" in said


def test_a_format_says_its_size_and_what_its_rehearsal_found(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    job = new_job()
    JobSpec("export", {"run": run, "form": "int8"}).write(job)
    found = {"n": 25, "labels_equal": 24, "max_difference": 0.15, "seconds": 3.0}
    append(job, Finished(1.0, {"file": "m.zip", "format": "int8", "bytes": 4_054_598} | found))
    app = open_page("use", project=project, run=run)
    said = everything(app)
    assert "4.1 MB" in said
    assert "on 25 images: 1 gets another class than in the app" in said
    made = [button.label for button in app.button if button.label.startswith("Make ")]
    assert {"Make again", "Make ONNX file", "Make ZIP for Python", "Make sorting script"} < set(
        made
    )


def test_exporting_is_handed_in_for_the_chosen_run(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    press(open_page("use", project=project, run=run), "Make ONNX file")
    (job,) = recent_jobs("export", run=run)
    assert JobSpec.read(job).args == {"run": run, "form": "onnx"}
    stop(job)


def drawn(home, project):
    """The strategy page after the worker's part was done here: a real drawing."""
    from core.jobs.process import run_job

    app = open_page("train", change="method", project=project, backbone=LITE0, strategy="full")
    (job,) = recent_jobs("variations")
    run_job(job)
    return app.run()


def test_own_images_are_shown_varied_before_anything_is_learned(home):
    project, _ = fill(home)
    said = everything(drawn(home, project))
    assert said.count("data:image/webp;base64,") == 4
    assert "oak &lt;b&gt;” as it is, then four variations" in said
    assert "If you cannot recognise one" in said


def test_they_are_drawn_anew_when_a_choice_changes_how_they_look_and_only_then(home):
    project, _ = fill(home)
    app = drawn(home, project)
    app.number_input(key=f"full-{LITE0}-steps").set_value(7).run()
    assert len(recent_jobs("variations")) == 1
    app.selectbox(key=f"full-{LITE0}-augmentation").select("trivial").run()
    newest, _ = recent_jobs("variations")
    assert status(newest).state == "queued"
    said = everything(app)
    assert "Varying some of your images" in said
    assert said.count("data:image/webp;base64,") == 4
    stop(newest)


def test_a_training_method_that_varies_nothing_shows_no_variations(home):
    project, _ = fill(home)
    open_page(
        "train", change="method", project=project, backbone=LITE0, strategy="feature_extraction"
    )
    assert recent_jobs("variations") == []


@pytest.mark.parametrize(
    ("form", "what", "label"),
    [
        ("pdf", "report", "PDF"),
        ("html", "report", "web page"),
        ("summary-pdf", "summary", "PDF"),
        ("summary-html", "summary", "web page"),
    ],
)
def test_a_report_is_written_when_somebody_asks_and_can_then_be_downloaded(home, form, what, label):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    page = open_page("use", project=project, run=run)
    app = press(page, f"Write the {what} as a {label}")
    (job,) = recent_jobs("report", run=run, form=form)
    stop(job)
    append(job, Finished(1.0, {"file": f"report.{form}"}))
    app.run()
    assert "Update" in [button.label for button in app.button]
    (link,) = app.main.get("link_button")
    assert link.proto.url == f"/graft/download/{job.name}"
    assert link.proto.label == f"Download the {what} ({label})"
