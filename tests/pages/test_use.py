"""Use: the answers as one table, corrected and filtered in place."""

import json
from pathlib import Path

import pytest
from leaves import CLASSES, fill, finish_run
from opened import everything, open_page, press

from core.events import Finished
from core.jobs.answers import corrections
from core.jobs.log import append
from core.jobs.queue import new_job, status
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec
from pages.components.answer_table import _told


def row(name, label="maple", sure=0.7, **more):
    rest = (1 - sure) / 2
    shares = {each: sure if each == label else rest for each in CLASSES}
    return {"image": name, "label": label, "probabilities": shares, **more}


def answered(run, rows, files=()):
    """A finished predict job with these answers, as this version writes it."""
    job = new_job()
    JobSpec("predict", {"run": run, "upload": "f" * 32}).write(job)
    append(job, Finished(1.0, {"predictions": rows, "files": files or [""] * len(rows)}))
    return job


@pytest.fixture
def project(home):
    """A project with its run."""
    project, dataset = fill(home)
    return project, finish_run(home, project, dataset, strategy="full", wrong=2)


def shown(app):
    """What the table was given to draw."""
    (component,) = [
        each
        for each in app.main.get("bidi_component")
        if "groups" in (each.proto.mixed.json or each.proto.json)
    ]
    return json.loads(component.proto.mixed.json or component.proto.json)


def groups(app):
    return {
        group["title"]: [row["name"] for row in group["rows"]] for group in shown(app)["groups"]
    }


ROWS = [
    row("new/sure.jpg", sure=0.99),
    row("broken.jpg") | {"error": "It is cut off."},
    row("unsure.jpg", sure=0.5, prediction_set=["maple", "oak <b>"]),
    row("strange.jpg", sure=0.6, ood=True),
    row("oak <u>.jpg", label="oak <b>", sure=0.9),
]
ROWS[1] = {"image": "broken.jpg", "error": "It is cut off."}


def open_use(project, job, **query):
    return open_page("use", project=project[0], run=project[1], asked=job.name, **query)


def test_answers_stand_in_one_table_by_class_with_the_least_confident_first(project):
    app = open_use(project, answered(project[1], ROWS))
    assert "5 answers" in everything(app)
    assert list(groups(app).items()) == [
        ("maple", ["unsure.jpg", "sure.jpg"]),
        ("oak <b>", ["oak <u>.jpg"]),
        ("Unknown", ["strange.jpg"]),
        ("Could not be read", ["broken.jpg"]),
    ]
    told = {row["name"]: row for group in shown(app)["groups"] for row in group["rows"]}
    assert told["unsure.jpg"]["lines"] == ["or oak <b> 25 %"]
    assert told["sure.jpg"] | {"lines": []} == told["sure.jpg"]
    assert told["sure.jpg"]["sure"] == "99 %"
    assert told["strange.jpg"]["answer"] == "Unknown"
    assert told["strange.jpg"]["lines"] == ["If it is one of your classes after all: maple"]
    assert told["broken.jpg"]["error"] == "It is cut off."
    assert [group["count"] for group in shown(app)["groups"]] == [
        "2 answers", "1 answer", "1 answer", "1 file",
    ]  # fmt: skip


def test_a_class_that_is_called_like_a_group_of_ours_is_told_apart(project):
    rows = [row("a.jpg") | {"label": "Unknown"}, row("b.jpg", ood=True)]
    app = open_use(project, answered(project[1], rows))
    assert [group["title"] for group in shown(app)["groups"]] == ["Unknown", "Unknown"]
    assert len(app.selectbox[-1].options) == len(set(app.selectbox[-1].options)) == 3


def test_answers_are_filtered_by_confidence_and_class_and_a_refresh_keeps_that(project):
    job = answered(project[1], ROWS)
    app = open_use(project, job)
    app.slider[0].set_value(80).run()
    assert groups(app) == {"maple": ["unsure.jpg"], "Unknown": ["strange.jpg"]}
    again = open_use(project, job, below="80", group="unknown")
    assert groups(again) == {"Unknown": ["strange.jpg"]}
    again.slider[0].set_value(30).run()
    assert "No answers match" in everything(again)


@pytest.mark.parametrize("query", [{"below": "-3"}, {"below": "²"}, {"group": "class:<b>"}])
def test_a_filter_in_the_address_that_is_none_shows_everything(project, query):
    assert len(groups(open_use(project, answered(project[1], ROWS), **query))) >= 4


def test_two_thousand_answers_come_page_by_page(project):
    rows = [row(f"{n}.jpg", sure=0.5 + n / 4001) for n in range(2000)]
    app = open_use(project, answered(project[1], rows))
    (group,) = shown(app)["groups"]
    assert group["count"] == "2,000 answers"
    assert [each["name"] for each in group["rows"]] == [f"{n}.jpg" for n in range(100)]


def test_what_was_corrected_is_offered_to_learn_from_and_outlasts_a_refresh(project, home):
    job = answered(project[1], ROWS)
    from core.jobs.answers import correct

    correct(job, {0: "oak <b>", 3: "a new one"})
    app = open_use(project, job)
    assert shown(app)["corrected"] == {"0": "oak <b>", "3": "a new one"}
    assert {"label": "a new one", "shown": "a new one"} in shown(app)["classes"]
    assert "2 answers corrected." in everything(app)
    press(app, "Learn from these 2")
    (handed_in,) = recent_jobs("learn-answers", answers=job.name)
    args = JobSpec.read(handed_in).args
    assert args["labels"] == {"0": "oak <b>", "3": "a new one"}
    assert args["project"] == project[0]
    assert status(handed_in).active


def test_only_corrections_that_are_among_the_images_now_count_as_learned(project, home):
    from core.dataset.store import Store
    from core.jobs.answers import correct
    from core.projects import datasets

    job = answered(project[1], ROWS)
    correct(job, {0: "maple", 3: "oak <b>"})
    newest = Store(home).load(datasets(project[0])[0].dataset_id)
    held = next(item for item in newest.items if item.label == "maple")
    done = new_job()
    JobSpec("learn-answers", {"run": project[1], "answers": job.name}).write(done)
    append(done, Finished(1.0, {"stored": {"0": held.image, "3": held.image}}))
    app = open_use(project, job)
    assert shown(app)["learned"] == [0]  # 3 was undone: no image stands so in that class
    assert "1 answer corrected." in everything(app)


def test_why_belongs_to_the_image_that_was_asked_about(project, home):
    (home / "uploads").mkdir()
    job = answered(project[1], ROWS, files=["uploads/x/0", "", "uploads/x/2", "", ""])
    asked = new_job()
    file = str(home / "uploads/x/2")
    JobSpec("explain", {"run": project[1], "file": file}).write(asked)
    found = {"label": "oak <b>", "share": 0.8, "verdict": "dependent", "random": 0.1,
             "picture": "data:image/jpeg;base64,A", "map": "data:image/jpeg;base64,B",
             "nearest": []}  # fmt: skip
    append(asked, Finished(1.0, found))
    app = open_use(project, job, why=asked.name)
    assert shown(app)["why"]["n"] == 2
    assert "base64,B" in shown(app)["why"]["html"]
    assert "oak <b>" not in shown(app)["why"]["html"]
    rows = {row["n"]: row for group in shown(app)["groups"] for row in group["rows"]}
    assert rows[0]["explains"]
    assert not rows[3]["explains"]
    assert shown(open_use(project, job, why=job.name))["why"] is None


def test_images_are_sorted_by_what_was_answered_and_corrected(project):
    from core.jobs.answers import correct

    job = answered(project[1], ROWS)
    correct(job, {0: "oak <b>"})
    press(open_use(project, job), "Sort into folders")
    (handed_in,) = recent_jobs("sorted-images", answers=job.name)
    assert JobSpec.read(handed_in).args["corrected"] == {"0": "oak <b>"}
    from core.jobs.queue import stop

    stop(handed_in)
    append(handed_in, Finished(1.0, {"file": "sorted-images.zip", "images": 3}))
    links = [each.proto.url for each in open_use(project, job).main.get("link_button")]
    assert links[:3] == [
        f"/graft/download/{job.name}",
        f"/graft/download/{job.name}?form=xlsx",
        f"/graft/download/{handed_in.name}",
    ]
    correct(job, {0: None})
    assert "Sort into folders" in [button.label for button in open_use(project, job).button]
    assert corrections(job) == {}


def test_what_or_and_unknown_mean_stands_below_in_short(project):
    said = everything(open_use(project, answered(project[1], ROWS)))
    assert "“or” names other possible classes; the right one is among them about" in said
    assert "Quite other" not in said


def test_answers_of_an_older_version_are_shown_with_the_names_as_brought(project):
    job = new_job()
    args = {
        "run": project[1],
        "names": ["new/<u>.jpg", "b.jpg"],
        "files": ["/h/uploads/u/0", "/h/uploads/u/1"],
    }
    JobSpec("predict", args).write(job)
    old = [row("0"), {"image": "1", "error": "It is cut off."}]
    append(job, Finished(1.0, {"predictions": old}))
    app = open_use(project, job)
    assert groups(app) == {"maple": ["<u>.jpg"], "Could not be read": ["b.jpg"]}
    (first, _) = [each for group in shown(app)["groups"] for each in group["rows"]]
    assert first["thumb"] == "/graft/upload/u/0"
    assert Path(first["title"]) == Path("new/<u>.jpg")


@pytest.mark.parametrize(
    ("corrected", "why"),
    [
        (None, None),
        ("x", "x"),
        ({"labels": "x"}, {"n": "1"}),
        ({"id": 3, "labels": [3, {"n": []}, {"n": 7, "label": "a"}]}, {"n": 7}),
        ({"id": {}, "labels": [{"n": 1, "label": 5}, {"n": True, "label": "a"}]}, {"n": True}),
    ],
)
def test_what_no_table_of_ours_would_tell_is_left_aside(corrected, why):
    told = _told(corrected, why, {0, 1})
    assert (dict(told.corrected), told.why) == ({}, None)


def test_what_the_table_tells_is_taken_and_bounded():
    labels = [{"n": 1, "label": "a" * 5000}, {"n": 0, "label": None}]
    told = _told({"id": "7", "labels": labels}, {"n": -1}, {0, 1})
    assert (told.id, told.corrected, told.why) == ("7", {1: "a" * 1000, 0: None}, -1)
