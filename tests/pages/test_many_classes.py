"""Results of a model that tells a thousand classes apart: readable, and light for the browser."""

from dataclasses import replace

import numpy as np
import pytest
from leaves import LITE0, leaf
from made_reports import predicted, report_on
from opened import everything, open_page

from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.evaluation.scoring import report_of
from core.events import Finished
from core.export.figures import confusion
from core.export.html import html
from core.jobs.log import append
from core.jobs.spec import JobSpec
from core.projects import add_dataset, create_project, create_run, run_folder
from core.recipe import Recipe

MANY = 1000
ROW = '<tr><td><bdi title="&lt;b&gt;'


def finished(home, n, wrong):
    """A finished run on n classes of one image each, where each in `wrong` is taken for its
    neighbour; gives its project and its own id."""
    store = Store(home)
    image = store.add(leaf(0, 0), lossless=False)
    items = tuple(Item(image, f"<b>{k:04}", f"{k}.jpg") for k in range(n))
    dataset = store.save(Dataset("Many", items))
    project = create_project("Many").id
    add_dataset(project, dataset)
    run = create_run(project, Recipe(dataset=dataset, backbone=LITE0, strategy="full"))
    folder = run_folder(run)
    answered = np.arange(n)
    answered[wrong] = (answered[wrong] + 1) % n
    shares = np.full((n, n), 0.5 / n)
    shares[np.arange(n), answered] = 0.5
    report_of(
        np.arange(n), shares, classes=[item.label for item in items], items=items, backbone=LITE0,
        strategy="full", dataset=dataset, seconds=1.0, n_train=n,
    ).save(folder)  # fmt: skip
    JobSpec("train").write(folder)
    append(folder, Finished(1.0, {}))
    return project, run


def sent(app):
    """Bytes of everything that the browser is sent of the page."""
    return sum(one.proto.ByteSize() for one in app.main if hasattr(one.proto, "ByteSize"))


def test_of_a_thousand_classes_the_browser_gets_what_is_mixed_up_most_often(home):
    project, run = finished(home, MANY, range(100))
    app = open_page("results", project=project, run=run, look="Which classes it confuses")
    said = everything(app)
    assert "among 1,000 classes" in said
    assert "<li>&lt;b&gt;0000 taken for &lt;b&gt;0001: 1</li>" in said
    assert said.count("<li>") == 20
    assert "80 more pairs, none mixed up more often" in said
    assert '<table class="matrix">' not in said
    assert sent(app) < 100_000
    assert "The 40 it finds least often." in said
    assert said.count(ROW) == 40
    app.toggle(key="all-classes").set_value(True).run()
    assert everything(app).count(ROW) == MANY


@pytest.mark.parametrize(("n", "drawn"), [(16, True), (17, False)])
def test_up_to_sixteen_classes_are_drawn_and_no_more(home, n, drawn):
    project, run = finished(home, n, [])
    app = open_page("results", project=project, run=run, look="Which classes it confuses")
    said = everything(app)
    assert ('<table class="matrix">' in said) is drawn
    assert "No class was confused with another." in said


def test_the_report_lists_the_same_pairs():
    classes = [f"<b>{k}" for k in range(40)]
    counts = np.eye(40, dtype=int)
    report = report_on([predicted("<b>0", "<b>0")], classes)
    assert html(confusion(replace(report, confusion=counts.tolist()))) == (
        "<p>No class was confused with another.</p>"
    )
    counts[3, 7], counts[1, 2] = 5, 2
    listed = html(confusion(replace(report, confusion=counts.tolist())))
    assert listed.index("&lt;b&gt;3 mistaken for &lt;b&gt;7: 5") < listed.index(
        "&lt;b&gt;1 mistaken for"
    )
    assert "matrix" not in listed
