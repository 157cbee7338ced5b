"""What the pages say: of which images, of which model, and in words that need no manual."""

import json
from dataclasses import replace

import pytest
from leaves import CLASSES, LITE0, fill, finish_run, leaf
from made_reports import predicted, report_on
from opened import everything, method, open_page

from core.dataset.manifest import Item
from core.dataset.samples import SAMPLES
from core.dataset.store import Store
from core.evaluation.report import Majority
from core.events import Finished
from core.files import read_sealed
from core.jobs.log import append
from core.jobs.spec import JobSpec
from core.projects import add_dataset, create_run, get_project, run_folder
from core.recipe import Recipe
from pages.components.project_context import ProjectContext
from pages.sections.results.runs import run_titles
from pages.sections.results.score import range_bar
from pages.sections.train import sweep


@pytest.fixture
def three_worlds(home) -> str:
    """A project with 36 images, 4 of another world and 2 that are not sorted."""
    project, dataset = fill(home)
    store = Store(home)
    loaded = store.load(dataset)
    foreign, unsorted = (
        [store.add(leaf(0, seed), lossless=False) for seed in seeds]
        for seeds in (range(70, 74), range(80, 82))
    )
    added = [Item(image, CLASSES[0], f"far/{image}.jpg", role="source") for image in foreign]
    added += [Item(image, None, f"new/{image}.jpg", role="unlabelled") for image in unsorted]
    add_dataset(project, store.save(replace(loaded, items=(*loaded.items, *added))))
    return project


def change_report(run: str, change) -> None:
    file = run_folder(run) / "report.json"
    content = json.loads(read_sealed(file))
    change(content)
    file.write_text(json.dumps(content), encoding="utf-8")


def test_images_that_belong_to_no_class_are_counted_by_what_they_are_for(three_worlds):
    app = open_page("images", project=three_worlds)
    title = "36 images in 3 classes · 2 not sorted yet · 4 of a different kind"
    assert title in [each.value for each in app.title]
    rows = everything(app).split("<tr>")
    (foreign,) = [row for row in rows if "source domain" in row]
    (unsorted,) = [row for row in rows if row.startswith('<td class="muted">not sorted')]
    assert '<td class="n">4</td>' in foreign
    assert '<td class="n">2</td>' in unsorted


def test_what_is_recommended_says_which_added_images_it_leaves_aside(three_worlds, home):
    app = open_page("train", change="method", project=three_worlds, backbone=LITE0)
    assert "does not use images that are not sorted yet or of a different kind" in method(app)
    assert [each for each in app.expander if "that your images allow" in each.label]
    plain, _ = fill(home)
    assert "does not use" not in method(
        open_page("train", change="method", project=plain, backbone=LITE0)
    )


@pytest.mark.parametrize(
    ("luck", "words"), [(0.05, "here that makes no difference"), (-0.1, "expect about ")]
)
def test_taking_luck_out_never_makes_the_choice_better(home, monkeypatch, luck, words):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="feature_extraction", wrong=6)
    run = finish_run(home, project, dataset, strategy="full", wrong=5)
    kept = sweep.keep

    def lucky(entered):
        found = kept(entered)
        return replace(found, honest=found.accuracy[found.chosen] + luck)

    monkeypatch.setattr(sweep, "keep", lucky)
    said = everything(open_page("results", project=project, run=run))
    assert f"looks a little better than it is: {words}" in said


def test_runs_evaluated_with_more_and_with_fewer_are_compared_on_what_they_share(home):
    project, dataset = fill(home)
    few = finish_run(home, project, dataset, strategy="feature_extraction", wrong=6)
    run = finish_run(home, project, dataset, strategy="full", wrong=0)

    def shorten(report):
        report["predictions"] = report["predictions"][:24]
        report["n"] = 24

    change_report(few, shorten)
    said = everything(open_page("results", project=project, run=run, look="All runs"))
    assert "On the 24 images that all were tested on" in said
    assert "Only these images are compared, though some runs were tested on more." in said
    assert "On the 24 images that both were tested on: 75 % correct, the one shown 100 %." in said


def test_what_was_answered_about_the_images_outlasts_a_reload(home):
    project, _ = fill(home, n=40)
    app = open_page("train", change="method", project=project, backbone=LITE0)
    app.radio(key="ask-photos").set_value("No").run()
    assert app.query_params["photos"] in ("No", ["No"])
    again = open_page(
        "train", change="method", project=project, backbone=LITE0, photos="No", later="perhaps"
    )
    assert again.radio(key="ask-photos").value == "No"
    assert again.radio(key="ask-later").value == "No"
    # The browser is told with every drawing: what it hears only once may be overtaken by the next.
    for name, at in (("photos", 1), ("later", 1)):
        assert again.radio(key=f"ask-{name}").proto.default == at
    assert "Fine-tune the last layers" in method(again)


def test_worse_images_say_whose_they_are_and_when_most_are_unknown(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=6)
    condition = {"kind": "blur", "title": "Out of focus", "term": "Gaussian blur", "p": 0.5,
                 "p_corrected": 0.5,
                 "level": "strongly", "right": 26, "interval": [0.6, 0.9], "worse": False,
                 "unknown": 30, "picture": "data:image/jpeg;base64,AAAA"}  # fmt: skip
    found = {"n": 36, "right": 27, "interval": [0.6, 0.9], "conditions": [condition]}
    change_report(run, lambda report: report.update(n_folds=5))
    (run_folder(run) / "robustness.json").write_text(json.dumps(found), encoding="utf-8")
    said = everything(open_page("results", project=project, run=run, look="Robustness"))
    assert "that the kept model was not trained on are made worse" in said
    assert "Most are called unknown when they are out of focus (strongly)" in said


def test_a_mistake_of_a_model_that_was_not_kept_says_why_nobody_can_ask_it(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    change_report(run, lambda report: report["predictions"][0].update(fold=2))
    app = open_page("results", project=project, run=run, look="All mistakes")
    asked, gone = sorted((b for b in app.button if b.label == "Why?"), key=lambda b: b.disabled)
    assert not asked.disabled
    assert gone.disabled
    assert gone.help == "Answered by a model that was not kept"


def test_choices_are_called_by_plain_words(home):
    project, _ = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0, strategy="full")
    policy = app.selectbox(key=f"full-{LITE0}-augmentation")
    assert policy.options == [
        "Gently (plain)",
        "One strong change at a time (TrivialAugment)",
        "Several changes (RandAugment)",
    ]
    assert app.selectbox(key=f"full-{LITE0}-mirror").options == ["Try it out first", "Yes", "No"]
    size = app.number_input(key="option-size")
    assert size.value is None
    assert size.placeholder == "the network’s own size"


def test_runs_that_differ_in_an_option_are_called_by_it(home):
    project, dataset = fill(home)
    for options in ({}, {"steps": 60}, {"lr": 0.001}):
        recipe = Recipe(dataset=dataset, backbone=LITE0, strategy="full", options=options)
        run = create_run(project, recipe)
        JobSpec("train").write(run_folder(run))
        append(run_folder(run), Finished(1.0, {}))
    titles = list(run_titles(ProjectContext(get_project(project))).values())
    alike = "Fine-tune the whole network · EfficientNet-Lite0"
    assert titles == [alike, f"{alike} (60 steps)", f"{alike} (learning rate 0.001)"]


def test_a_curve_says_whose_it_is_and_is_seen_at_its_top(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    app = open_page("train", project=project, watch=run)
    layout = json.loads(app.main.get("plotly_chart")[0].proto.spec)["layout"]
    assert layout["showlegend"]
    assert layout["yaxis"]["range"] == [0, 103]


@pytest.mark.parametrize("base", [5, 11, 50, 95])
def test_the_mark_of_guessing_is_always_named(base):
    report = report_on([predicted("a", "a")], majority=Majority("a", base / 100))
    assert f">guessing {base}</span>" in range_bar(report)


def test_no_sample_promises_a_gain_that_was_not_measured():
    assert "should gain much" not in SAMPLES["digits"].advice
