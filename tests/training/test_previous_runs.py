"""What earlier runs learned from: it judges nobody after them, and none of it is lost."""

from dataclasses import replace

import pytest

from core.dataset.store import Store
from core.errors import BadRecipe
from core.events import Note
from core.recipe import Recipe
from core.training.preparation import prepare
from core.training.run import train


def go_on():
    return False


@pytest.fixture(scope="module")
def version(digits, settings):
    """Save the digits that a function keeps, as a dataset."""

    def make(keep):
        dataset = replace(digits, items=tuple(item for item in digits.labelled if keep(item)))
        Store(settings.home).save(dataset)
        return dataset

    return make


@pytest.fixture(scope="module")
def half(digits, version):
    """Every other digit."""
    images = [item.image for item in digits.labelled]
    return version(lambda item: images.index(item.image) % 2 == 0)


@pytest.fixture(scope="module")
def earlier(run_folder, settings, half):
    folder = run_folder("feature_extraction", dataset=half)
    list(train(folder, settings, go_on))
    return folder


def prepared(folder, settings, **changed):
    recipe = Recipe.from_json((folder / "recipe.json").read_text())
    return prepare(recipe.model_copy(update=changed), settings)


def parts(setup):
    learned = {setup.items[place].image for place in [*setup.split.train, *setup.split.validation]}
    return learned, {setup.items[place].image for place in setup.split.test}


@pytest.mark.parametrize("named", ["start", "teacher"])
@pytest.mark.parametrize("seed", [0, 5])
def test_what_an_earlier_run_learned_from_evaluates_no_later_one(
    run_folder, settings, digits, earlier, seed, named
):
    learned, tested = parts(prepared(earlier, settings))
    strategy = "distillation" if named == "teacher" else "feature_extraction"
    folder = run_folder(strategy, **{named: earlier}, dataset=digits, seed=seed)
    setup = prepared(folder, settings)
    now_learned, now_tested = parts(setup)
    assert now_tested
    assert not now_tested & learned
    assert now_learned | now_tested == {item.image for item in digits.labelled}
    if named == "start":
        assert tested <= now_tested
    if seed:
        assert "because the earlier model was trained on them" in " ".join(setup.notes)


def test_the_note_is_told_when_the_run_begins(run_folder, settings, earlier, digits):
    folder = run_folder("feature_extraction", start=earlier, dataset=digits, seed=5)
    said = [event.text for event in train(folder, settings, go_on) if isinstance(event, Note)]
    assert any("are left out of the test" in text for text in said)


def test_without_an_earlier_run_the_parts_stay_as_they_were(run_folder, settings, digits):
    setup = prepared(run_folder("feature_extraction", dataset=digits), settings)
    assert setup.notes == ()


def test_where_nothing_is_left_to_evaluate_with_it_is_said(
    run_folder, settings, earlier, half, version
):
    learned, _ = parts(prepared(earlier, settings))
    known = version(lambda item: item.image in learned)
    folder = run_folder("feature_extraction", start=earlier, dataset=known)
    with pytest.raises(BadRecipe, match="Add new images"):
        prepared(folder, settings)


def test_what_cannot_be_known_of_older_runs_is_said(run_folder, settings, earlier, digits):
    between = run_folder("feature_extraction", start=earlier, dataset=digits)
    list(train(between, settings, go_on))
    (earlier / "report.json").rename(earlier / "away")
    try:
        setup = prepared(run_folder("feature_extraction", start=between, dataset=digits), settings)
    finally:
        (earlier / "away").rename(earlier / "report.json")
    assert "unknown whether" in " ".join(setup.notes)


def test_the_images_of_an_earlier_model_that_are_gone_are_named(run_folder, settings, earlier):
    (earlier / "recipe.json").rename(earlier / "away")
    try:
        with pytest.raises(BadRecipe, match="are gone, so nothing can be rehearsed"):
            prepared(run_folder("continual", start=earlier), settings)
    finally:
        (earlier / "away").rename(earlier / "recipe.json")


def test_the_third_generation_still_rehearses_and_recalls_the_first(
    run_folder, settings, version, half
):
    first = run_folder("feature_extraction", dataset=version(lambda item: item.label in "01"))
    list(train(first, settings, go_on))
    seconds = version(lambda item: item.label == "2" and item in half.items)
    short = {"steps": 2, "batch": 8}
    second = run_folder("continual", start=first, dataset=seconds, **short)
    list(train(second, settings, go_on))
    thirds = version(lambda item: item.label == "2" and item not in half.items)
    third = run_folder("continual", start=second, dataset=thirds, rehearse=6, **short)
    setup = prepared(third, settings)
    shown = [setup.items[place].label for place in setup.split.train]
    assert {name: shown.count(name) for name in "01"} == {"0": 6, "1": 6}
    assert {setup.items[place].label for place in setup.split.retention_test} == {"0", "1", "2"}
    learned, _ = parts(setup)
    assert not learned & {setup.items[place].image for place in setup.split.retention_test}
