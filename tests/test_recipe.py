"""Recipes are read back as they were written, also those of the version before."""

import json

import pytest

from core.errors import BadRecipe
from core.recipe import Recipe
from core.strategies import get_strategy
from core.transfer.option_info import resolve

BEFORE = {
    "dataset": "dcb59a07fee493fb", "backbone": "tf_efficientnet_lite0", "task": "",
    "strategy": "last_stages", "options": {"steps": 6, "share": 0.2, "watch": 0.1, "soups": 2},
    "size": 96, "fit": "squash", "holdout": 0.2, "judge": "folds", "part": 3, "start": "",
    "teacher": "", "seed": 0,
}  # fmt: skip
"""As the version before wrote it."""


def test_a_recipe_comes_back_as_it_was_written():
    recipe = Recipe(dataset="d", backbone="b", strategy="full", evaluation="cross_validation")
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_a_recipe_of_the_version_before_has_the_keys_of_today():
    recipe = Recipe.from_json(json.dumps(BEFORE))
    assert (recipe.evaluation, recipe.fold) == ("cross_validation", 3)
    assert recipe.options == {
        "steps": 6, "trainable_fraction": 0.2, "validation_fraction": 0.1, "n_averaged_runs": 2,
    }  # fmt: skip
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert Recipe.from_dict({**BEFORE, "judge": "held-out"}).evaluation == "holdout"


@pytest.mark.parametrize(
    ("strategy", "before"),
    [
        ("continual", {"hold": 0.5, "share": 0.2, "rehearse": 3}),
        ("distillation", {"strength": 0.5, "watch": 0.2}),
        ("domain_adaptation", {"strength": 0.5}),
        ("feature_extraction", {"strength": 0.5, "views": 2}),
        ("instance_weighting", {"share": 0.5}),
        ("pseudo_labels", {"sure": 0.5, "strength": 0.5}),
        ("self_supervised", {"alone": 5}),
        ("soft_sharing", {"hold": "delta", "soups": 2}),
    ],
)
def test_every_option_of_the_version_before_still_is_one(strategy, before):
    options = Recipe.from_dict({**BEFORE, "strategy": strategy, "options": before}).options
    found = resolve(get_strategy(strategy), options, images=100, classes=3, family="cnn")
    assert [getattr(found, name) for name in options] == list(before.values())


@pytest.mark.parametrize(
    "text", ['{"judges": "folds"}', '{"judge": "nobody"}', "[]", "{", '{"share": 0.2}']
)
def test_what_never_was_a_recipe_is_refused_in_a_sentence(text):
    with pytest.raises(BadRecipe, match="These settings cannot be used"):
        Recipe.from_json(text)
