"""What pages say before training: which network, how far one is, what more images would bring."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from leaves import LITE0, fill
from opened import everything, method, open_page, press

from core.backbones.catalogue import CATALOGUE
from core.dataset.store import Store
from core.events import Finished, Stopped
from core.jobs.log import append
from core.jobs.queue import new_job, status, stop
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec
from core.pretraining_analysis.backbone_ranking import candidates as ready_backbones
from core.pretraining_analysis.domain_shift import DomainShift
from core.pretraining_analysis.forecast import Forecast
from core.pretraining_analysis.learning_curve import Curve, Point
from core.pretraining_analysis.ranking_rows import save_row
from core.pretraining_analysis.resampling import Measured
from core.pretraining_analysis.summary import PretrainingAnalysis
from core.pretraining_analysis.validation import plan_of
from core.settings import get_settings

LITE1 = "tf_efficientnet_lite1"
WORSE, GONE = "vgg16.tv_in1k", "resnet18.a1_in1k"


def row(name, folds, speed):
    return {
        "backbone": name, "title": name, "accuracy": float(np.mean(folds)), "stderr": 0.02,
        "log_loss": 0.3, "log_loss_stderr": 0.05, "knn": 0.8, "knn_stderr": 0.03,
        "images_per_second": speed, "parameters": 4_000_000, "imagenet": 75.0,
        "folds": folds,
    }  # fmt: skip


def ranked(home, dataset, *names):
    """Rows of a ranking: two that are alike, one clearly worse, one that cannot be had."""
    plan = plan_of(Store(home).load(dataset))
    usual = np.random.default_rng(0).normal(0.9, 0.02, len(plan.folds))
    rows = {
        LITE0: row(LITE0, usual.tolist(), 90.0),
        LITE1: row(LITE1, (usual + 0.002).tolist(), 60.0),
        WORSE: row(WORSE, (usual - 0.6).tolist(), 5.0),
        GONE: {"backbone": GONE, "title": GONE, "error": "It is <b>not</b> here. Bring it."},
    }
    for name in names:
        save_row(rows[name], dataset, get_settings(), plan)


def foreseen(home, dataset, *, nearness="far", helpful=(1,), trend="rises", asked=15, more=0):
    recall = (Measured(0.9, 0.03), Measured(0.41, 0.12), None, *(Measured(0.95, 0.02),) * more)
    curve = Curve(
        (Point(10, Measured(0.6, 0.05), recall), Point(20, Measured(0.8, 0.04), recall)),
        trend, Forecast(40, 0.86, 0.8, 0.92), helpful, asked, 0.02,
    )  # fmt: skip
    alike = DomainShift(nearness, 4.0, Measured(0.8, 0.01), Measured(0.03, 0.002), 0.3)
    classes = (*Store(home).load(dataset).classes, *(f"further {k}" for k in range(more)))
    (home / "pretraining_analysis").mkdir()
    content = {"format": 2, **asdict(PretrainingAnalysis(alike, curve, classes, 30))}
    file = home / "pretraining_analysis" / f"{dataset}.json"
    file.write_text(json.dumps(content), encoding="utf-8")


def test_the_networks_are_tried_by_a_press_and_never_by_themselves(home):
    project, dataset = fill(home)
    app = open_page("train", change="backbone", project=project)
    assert recent_jobs("rank", dataset=dataset) == []
    press(app, "Try them on my images")
    (job,) = recent_jobs("rank", dataset=dataset)
    assert status(job).state == "queued"
    stop(job)


def test_a_tie_is_said_and_the_quicker_one_is_offered(home):
    project, dataset = fill(home)
    ranked(home, dataset, LITE0, LITE1, WORSE, GONE)
    app = open_page("train", change="backbone", project=project)
    said = everything(app)
    assert f"{LITE1} and {LITE0} do equally well on your images" in said
    assert said.count("no measurable difference from the first") == 1
    assert "is the quickest within one standard error of the first" in said
    assert "± 2.0" in said
    assert "0.30 ± 0.05" in said
    assert "surprise and neighbours do not count" in said
    assert "test images of a run were not used" in said
    app.button(key="use-best").click().run()
    assert app.query_params["backbone"] in (LITE0, [LITE0])


def test_what_is_best_is_said_only_of_those_that_were_tried(home, tmp_path, monkeypatch):
    project, dataset = fill(home)
    ranked(home, dataset, LITE0, WORSE)
    said = everything(open_page("train", change="backbone", project=project))
    assert f"Of the 2 tried, {LITE0} suits your images best." in said
    monkeypatch.setattr(
        "pages.sections.train.backbone_ranking.ready_backbones", lambda settings: [LITE0, WORSE]
    )
    said = everything(open_page("train", change="backbone", project=project))
    assert f">{LITE0} suits your images best." in said


def test_where_there_is_no_log_loss_its_place_stays_empty(home):
    project, dataset = fill(home)
    plan = plan_of(Store(home).load(dataset))
    without = row(LITE0, [0.9] * len(plan.folds), 90.0) | {
        "log_loss": None,
        "log_loss_stderr": None,
    }
    save_row(without, dataset, get_settings(), plan)
    said = everything(open_page("train", change="backbone", project=project))
    assert '<td class="n">–</td>' in said
    assert "None" not in said


def test_a_network_that_could_not_be_tried_says_why_as_text(home):
    project, dataset = fill(home)
    ranked(home, dataset, LITE0, GONE)
    said = everything(open_page("train", change="backbone", project=project))
    assert f"{GONE} was not tried." in said
    assert "It is &lt;b&gt;not&lt;/b&gt; here." in said


def test_a_network_whose_weights_came_after_the_ranking_can_be_tried_too(
    home, tmp_path, monkeypatch
):
    project, dataset = fill(home)
    plan = plan_of(Store(home).load(dataset))
    right = [0.9] * len(plan.folds)
    ready = ready_backbones(get_settings())
    late = next(name for name in CATALOGUE if name not in ready)
    for name in ready:
        save_row(row(name, right, 90.0), dataset, get_settings(), plan)
    app = open_page("train", change="backbone", project=project)
    assert "Try the others too" not in [button.label for button in app.button]
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / f"{late}.safetensors").touch()
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path / "weights"))
    get_settings.cache_clear()
    press(open_page("train", change="backbone", project=project), "Try the others too")
    (job,) = recent_jobs("rank", dataset=dataset)
    assert status(job).state == "queued"
    stop(job)


def test_rows_are_shown_as_they_come_beside_a_button_to_stop(home):
    project, dataset = fill(home)
    press(open_page("train", change="backbone", project=project), "Try them")
    ranked(home, dataset, LITE0)
    app = open_page("train", change="backbone", project=project)
    assert "± 2.0" in everything(app)
    assert "suits your images best" not in everything(app)
    assert app.button(key="stop-trying").label == "Stop"
    (job,) = recent_jobs("rank", dataset=dataset)
    stop(job)


def test_a_stopped_ranking_shows_what_it_has_and_goes_on(home):
    project, dataset = fill(home)
    ranked(home, dataset, LITE0)
    job = new_job()
    JobSpec("rank", {"dataset": dataset}).write(job)
    append(job, Stopped(0, 0))
    app = open_page("train", change="backbone", project=project)
    assert "± 2.0" in everything(app)
    press(app, "Resume")
    assert status(job).state == "queued"
    stop(job)


@pytest.mark.parametrize(
    ("nearness", "words"),
    [("near", "look like what"), ("between", "differ somewhat"), ("far", "are far from")],
)
def test_how_far_the_images_are_is_said_in_words_with_what_follows(home, nearness, words):
    project, dataset = fill(home)
    foreseen(home, dataset, nearness=nearness)
    said = everything(open_page("train", change="backbone", project=project))
    assert words in said
    assert "entropy, 0.80 of 1" in said
    assert "hardly match yours" in said
    assert recent_jobs("outlook", dataset=dataset) == []


def test_how_far_they_are_is_asked_by_itself_once(home):
    project, dataset = fill(home)
    open_page("train", change="backbone", project=project)
    open_page("train", change="backbone", project=project)
    (job,) = recent_jobs("outlook", dataset=dataset)
    stop(job)


def test_what_more_images_would_bring_is_said_with_its_band_and_the_class_as_text(home):
    project, dataset = fill(home)
    foreseen(home, dataset)
    said = everything(open_page("images", project=project))
    assert "probably about 86 % with 40 (likely 80–92 %)" in said
    assert "15 more images of" in said
    assert "maple" in said
    assert "oak <b>" not in said


def test_what_the_data_cannot_tell_is_not_said(home):
    project, dataset = fill(home)
    foreseen(home, dataset, helpful=(), trend="unclear")
    said = everything(open_page("images", project=project))
    assert "too early to tell" in said
    assert "These images cannot show" in said
    assert "probably about" not in said


def test_what_was_not_looked_into_is_not_called_unclear(home):
    project, dataset = fill(home)
    foreseen(home, dataset, helpful=(), asked=0)
    said = everything(open_page("images", project=project))
    assert "was not measured: with so many, that takes too long" in said
    assert "These images cannot show" not in said


def test_the_classes_are_shown_the_worst_first_with_their_error(home):
    project, dataset = fill(home)
    foreseen(home, dataset, more=40)
    app = open_page("images", project=project)
    assert [each.label for each in app.expander if "Class" in each.label] == ["Class by class"]
    said = everything(app)
    assert said.index("41 ± 12") < said.index("90 ± 3")
    assert "The 30 worst of 42 classes" in said
    assert said.count("95 ± 2") == 28
    assert "1 class could not be evaluated" in said


def test_the_curve_is_asked_for_by_a_press(home):
    project, dataset = fill(home)
    app = open_page("images", project=project)
    assert recent_jobs("outlook", dataset=dataset) == []
    press(app, "Find out")
    (job,) = recent_jobs("outlook", dataset=dataset)
    stop(job)


def test_three_methods_at_most_are_timed_and_then_say_their_time(home):
    project, _ = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0)
    assert "takes many minutes" in everything(app)
    press(app, "How long does each take on this computer?")
    (job,) = recent_jobs("costs")
    asked = [recipe["strategy"] for recipe in JobSpec.read(job).args["recipes"]]
    assert len(asked) == 3  # those that are offered first: timing all takes minutes
    assert {"feature_extraction", "full"} < {*asked}
    took = [None if name == "full" else 120.0 + 60 * n for n, name in enumerate(asked)]
    append(job, Finished(1.0, {"seconds": took}))
    said = everything(open_page("train", change="method", project=project, backbone=LITE0))
    for _name, seconds in zip(asked, took, strict=True):
        assert seconds is None or f"takes about {seconds / 60:.0f} minutes on this computer" in said
        assert seconds or "takes many minutes" in said
    assert "How long does each take" not in said


def test_several_ways_say_how_long_all_of_them_will_take(home):
    project, _ = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0)
    press(app, "How long does that take on this computer?")
    (job,) = recent_jobs("costs")
    assert len(JobSpec.read(job).args["recipes"]) == 2
    append(job, Finished(1.0, {"seconds": [60.0, 240.0]}))
    app = open_page("train", change="method", project=project, backbone=LITE0)
    assert "About 5 minutes in total on this computer" in everything(app)


@pytest.mark.parametrize("took", [[240.0, None], [None, None]])
def test_what_cannot_be_carried_out_is_not_counted_as_no_time(home, took):
    project, _ = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0)
    press(app, "How long does that take on this computer?")
    (job,) = recent_jobs("costs")
    append(job, Finished(1.0, {"seconds": took}))
    said = everything(open_page("train", change="method", project=project, backbone=LITE0))
    assert f"{took.count(None)} of them cannot be trained with these images" in said
    assert ("in total" in said) is any(took)


def proposed(app, title, reason):
    """Whether this method is in use, for a reason that begins with these words."""
    said = method(app)
    return f'<p class="card-title">{title} ' in said and f'<p class="small">{reason}' in said


def test_what_is_answered_about_the_images_decides_which_way_is_proposed(home):
    project, _ = fill(home, n=40)
    app = open_page("train", change="method", project=project, backbone=LITE0)
    assert proposed(app, "Train only the classifier", "It takes seconds")
    app.radio(key="ask-photos").set_value("No").run()
    assert proposed(app, "Fine-tune the last layers", "Your images look unlike")
    first = next(button for button in app.button if button.key.startswith("choose-"))
    assert first.key == "choose-last_stages"
    app.radio(key="ask-later").set_value("Yes").run()
    assert proposed(app, "Train only the classifier", "Your camera or place")
    app.radio(key="ask-later").set_value("No").run()
    app.radio(key="ask-photos").set_value("Yes").run()
    assert proposed(app, "Train only the classifier", "It takes seconds")
