"""Train, run as a script against a home folder of its own."""

from dataclasses import replace

import numpy as np
import pytest
from leaves import LITE0, fill, finish_run, leaf
from opened import everything, open_page, press

from core.dataset.ingest.decode import Decoded
from core.dataset.manifest import Dataset, ImageMetadata
from core.dataset.store import Store
from core.errors import Diverged, OutOfSpace
from core.events import Failed, Finished, Stopped
from core.jobs.log import append
from core.jobs.queue import status, stop
from core.jobs.recent import recent_jobs
from core.projects import add_dataset, run_folder, runs
from core.strategies import strategies as all_strategies

LITE1 = "tf_efficientnet_lite1"
PLACES = ["images", "train", "results", "use"]


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
