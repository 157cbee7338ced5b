"""What a run needs of its images, its teacher and its choices, and how it says what is missing."""

from dataclasses import replace

import pytest
from short_runs import SHORT, go_on

from core.dataset.store import Store
from core.errors import BadRecipe
from core.evaluation.report import Report
from core.events import (
    Finished,
    Note,
)
from core.recipe import Recipe
from core.strategies import strategies
from core.training.run import train


@pytest.mark.parametrize("strategy", [n for n in SHORT if strategies()[n].needs])
def test_what_is_needed_and_missing_is_named_with_the_way_to_add_it(
    run_folder, digits, settings, strategy
):
    alone = replace(digits, items=digits.labelled)
    Store(settings.home).save(alone)
    folder = run_folder(strategy, **SHORT[strategy])
    recipe = Recipe.from_json((folder / "recipe.json").read_text())
    (folder / "recipe.json").write_text(recipe.model_copy(update={"dataset": alone.id}).to_json())
    with pytest.raises(BadRecipe, match=r"(needs|learns from|goes on with).*--"):
        list(train(folder, settings, go_on))


def test_classes_of_the_source_domain_alone_are_named_and_left_out(run_folder, digits, settings):
    strange = replace(digits.items[-1], role="source", label="seven", name="negative/7.png")
    more = replace(digits, items=(*digits.items, strange))
    Store(settings.home).save(more)
    folder = run_folder("domain_alignment")
    recipe = Recipe.from_json((folder / "recipe.json").read_text())
    (folder / "recipe.json").write_text(recipe.model_copy(update={"dataset": more.id}).to_json())
    notes = [e.text for e in train(folder, settings, go_on) if isinstance(e, Note)]
    assert any("“seven”" in note for note in notes)


def test_classes_that_the_source_domain_lacks_are_named(run_folder, digits, settings):
    fewer = tuple(i for i in digits.items if (i.role, i.label) != ("source", "2"))
    dataset = replace(digits, items=fewer)
    Store(settings.home).save(dataset)
    folder = run_folder("domain_alignment", dataset=dataset)
    events = list(train(folder, settings, go_on))
    (note,) = [e.text for e in events if isinstance(e, Note) and "Carried over" in e.text]
    assert "Carried over: “0”, “1”." in note
    assert "no images of “2”" in note
    assert isinstance(events[-1], Finished)
    assert {row.label for row in Report.load(folder).predictions} <= {"0", "1"}


@pytest.mark.parametrize("shared", [("0", 20), ("01", 1), ("0", 1)])
def test_another_domain_with_hardly_a_class_in_common_is_refused(
    run_folder, digits, settings, shared
):
    classes, each = shared
    own = [i for i in digits.items if i.role != "source"]
    theirs = [
        [i for i in digits.items if (i.role, i.label) == ("source", name)][:each]
        for name in classes
    ]
    dataset = replace(digits, items=(*own, *(i for items in theirs for i in items)))
    Store(settings.home).save(dataset)
    with pytest.raises(BadRecipe, match="at least two of your classes"):
        list(train(run_folder("domain_alignment", dataset=dataset), settings, go_on))


def test_another_domain_whose_classes_have_other_names_is_not_taken_for_none(
    run_folder, digits, settings
):
    named = {"0": "nought", "1": "one", "2": "two"}
    items = [replace(i, label=named[i.label]) if i.role == "source" else i for i in digits.items]
    dataset = replace(digits, items=tuple(items))
    Store(settings.home).save(dataset)
    for strategy in ("domain_adaptation", "domain_alignment"):
        with pytest.raises(BadRecipe, match="other ones: “nought”, “one”, “two” where yours are"):
            list(train(run_folder(strategy, dataset=dataset), settings, go_on))


@pytest.mark.parametrize(
    ("strategy", "role", "called"),
    [
        ("instance_weighting", "source", "of a different kind"),
        ("domain_adaptation", "unlabelled", "without a label"),
        ("pseudo_labels", "unlabelled", "without a label"),
    ],
)
def test_hardly_an_image_of_what_it_needs_is_refused_with_how_many_will_do(
    run_folder, digits, settings, strategy, role, called
):
    others = [i for i in digits.items if i.role == "labelled"]
    one = next(i for i in digits.items if i.role == role)
    dataset = replace(digits, items=(*others, one))
    Store(settings.home).save(dataset)
    with pytest.raises(
        BadRecipe, match=f"only 1 usable images {called}. Add at least 5, better fifty"
    ):
        list(train(run_folder(strategy, dataset=dataset), settings, go_on))


def test_a_teacher_of_whom_nothing_is_learned_is_refused(run_folder, settings, teacher):
    with pytest.raises(BadRecipe, match="has no teacher"):
        list(train(run_folder("full", teacher=teacher), settings, go_on))


def test_an_earlier_run_that_is_gone_is_said_to_be(run_folder, settings, tmp_path):
    folder = run_folder("feature_extraction", start=tmp_path / "gone")
    with pytest.raises(BadRecipe, match="no model"):
        list(train(folder, settings, go_on))


def test_an_option_out_of_range_is_named(run_folder, settings):
    with pytest.raises(BadRecipe, match="steps"):
        list(train(run_folder("full", steps=-3), settings, go_on))
