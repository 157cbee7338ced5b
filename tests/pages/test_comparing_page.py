"""Results and Use: runs compared and told apart, against a home folder of their own."""

import re

import pytest
from leaves import fill, finish_run, judge_elsewhere
from opened import everything, open_page, press

from core.projects import get_run, runs

LITE1 = "tf_efficientnet_lite1"
PLACES = ["images", "train", "results", "use"]


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
