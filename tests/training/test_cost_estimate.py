"""The time a recipe takes, told beforehand."""

from core.events import Finished, Note, Progress
from core.recipe import Recipe
from core.training.cost_context import a_round
from core.training.cost_estimate import estimate, estimates


def recipe_of(folder):
    return Recipe.from_json((folder / "recipe.json").read_text())


def test_it_is_told_in_parts_with_how_it_was_measured(run_folder, settings):
    recipe = recipe_of(run_folder("full", steps=40, batch=8))
    last = list(estimate(recipe, settings))[-1]
    assert isinstance(last, Finished)
    assert last.result["seconds"] >= sum(last.result["parts"].values()) > 0
    assert "Fine-tuning the whole network" in last.result["parts"]
    assert "Timed on this machine" in last.result["how"]


def test_twice_the_steps_are_told_to_take_twice_the_time(run_folder, settings):
    parts = []
    for steps in (50, 100):
        recipe = recipe_of(run_folder("full", f"{steps}", steps=steps, batch=8))
        last = list(estimate(recipe, settings))[-1]
        assert isinstance(last, Finished)
        parts.append(last.result["parts"]["Fine-tuning the whole network"])
    assert abs(parts[1] - 2 * parts[0]) <= 0.2


def test_the_same_question_is_answered_from_memory(run_folder, settings, monkeypatch):
    recipe = recipe_of(run_folder("last_stages", "one", steps=20, batch=8))
    first = list(estimate(recipe, settings))[-1]

    def never(*args, **kwargs):
        raise AssertionError("it was timed again")

    monkeypatch.setattr("core.training.cost_context.Trainer", never)
    second = list(estimate(recipe, settings))[-1]
    assert second.result["parts"] == first.result["parts"]


def test_of_several_that_which_cannot_be_done_has_its_reason_and_the_rest_are_timed(
    run_folder, settings
):
    impossible, possible = recipe_of(run_folder("lora")), recipe_of(run_folder("full", steps=9))
    *said, last = estimates([impossible, possible], settings)
    assert isinstance(last, Finished)
    nothing, told = last.result["seconds"]
    assert nothing is None
    assert told == list(estimate(possible, settings))[-1].result["seconds"]
    (why,) = [event.text for event in said if isinstance(event, Note)]
    assert "lite0" in why
    first, second = [event for event in said if isinstance(event, Progress)]
    assert first.seconds_left is None
    assert second.seconds_left > 0


def test_what_another_domain_adds_to_a_classifier_is_told_too(run_folder, settings):
    parts = {}
    for name in ("feature_extraction", "domain_alignment", "instance_weighting"):
        last = list(estimate(recipe_of(run_folder(name)), settings))[-1]
        titles = [
            title for title in last.result["parts"] if title != "Computing features of your images"
        ]
        parts[name] = [title for title in titles if title != "The other folds"]
    assert parts == {
        "feature_extraction": ["Training the classifier"],
        "domain_alignment": ["Aligning the two domains"],
        "instance_weighting": ["Weighting the images of a different kind"],
    }


def test_more_classes_are_told_to_take_longer():
    def told(classes):
        # The least of several: a machine that does other things makes it longer, never shorter.
        return min(a_round(400, 64, classes) for _ in range(5))

    assert told(1000) > 3 * told(10)
