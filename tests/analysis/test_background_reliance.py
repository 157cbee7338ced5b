"""Whether a model goes by the background: found where it was planted, and not where it was not."""

from functools import cache

import numpy as np
import pytest
from PIL import Image
from skimage import data

from core.analysis.background_reliance import MASKS, background_reliance, border_alone, middle_alone
from core.analysis.robustness import known_robustness, robustness
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.events import Finished
from core.recipe import Recipe
from core.settings import Settings
from core.training.run import train

SIDE = 120
THING = 64
"""Side of what stands in the middle: less than what is hidden of the 96 points that are seen."""
SURFACES = {"brick": data.brick, "grass": data.grass}
PHOTOGRAPHS = (data.chelsea, data.coffee, data.astronaut)


@cache
def whole(photograph):
    return Image.fromarray(photograph()).convert("RGB")


def piece(photograph, side, chance):
    image = whole(photograph)
    left, top = (int(chance.integers(0, length - side)) for length in image.size)
    return image.crop((left, top, left + side, top + side))


def composed(around, inside, chance):
    """A piece of one photograph with a piece of another in the middle."""
    image = piece(around, SIDE, chance)
    edge = (SIDE - THING) // 2
    image.paste(piece(inside, THING, chance), (edge, edge))
    return image


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return Settings(home=tmp_path_factory.mktemp("home"), device="cpu")


def found(settings, run, make):
    """What is said of a first classifier that learned from 40 images of two classes."""
    chance, store = np.random.default_rng(0), Store(settings.home)
    items = [
        Item(store.add(make(surface, chance), lossless=True), name, f"{name}/{number}.png")
        for name, surface in SURFACES.items()
        for number in range(20)
    ]
    recipe = Recipe(
        dataset=store.save(Dataset("Things", tuple(items))), backbone="tf_efficientnet_lite0",
        strategy="feature_extraction", size=96, holdout=0.5,
    )  # fmt: skip
    (run / "recipe.json").write_text(recipe.to_json())
    list(train(run, settings, lambda: False))
    *_, last = robustness(run, settings)
    assert isinstance(last, Finished)
    return known_robustness(run).background


def by_kind(result):
    return {mask.kind: mask for mask in result.masks}


def test_a_planted_background_is_found(settings, tmp_path):
    def make(surface, chance):
        return composed(surface, PHOTOGRAPHS[chance.integers(3)], chance)

    result = found(settings, tmp_path, make)
    looks = by_kind(result)
    assert result.n == 20
    assert result.correct >= 17
    assert looks["border"].above_majority
    assert not looks["border"].worse
    assert not looks["middle"].above_majority
    assert result.warn
    assert "may rely on the background" in result.verdict


def test_no_background_is_blamed_where_the_class_stands_in_the_middle(settings, tmp_path):
    def make(surface, chance):
        return composed(PHOTOGRAPHS[chance.integers(3)], surface, chance)

    result = found(settings, tmp_path, make)
    looks = by_kind(result)
    assert result.correct >= 17
    assert not looks["border"].above_majority
    assert looks["border"].worse
    assert looks["middle"].above_majority
    assert not result.warn
    assert "There is no sign that it relies on the background" in result.verdict


@pytest.mark.parametrize("cover", [border_alone, middle_alone])
def test_what_is_hidden_leaves_nothing_of_itself_behind(cover):
    picture = np.asarray(whole(data.astronaut).resize((100, 100)))
    middle = np.zeros((100, 100), bool)
    middle[20:80, 20:80] = True
    hidden = middle if cover is border_alone else ~middle
    other = picture.copy()
    other[hidden] = 255 - other[hidden]
    one, two = (np.asarray(cover(Image.fromarray(each))) for each in (picture, other))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one[~hidden], picture[~hidden])
    assert len(np.unique(one[hidden], axis=0)) == 1


def verdict(whole, border, middle, n=40):
    """Of two classes of like size; each number is how many, spread over both, are right."""
    true = ["cup", "mug"] * (n // 2)
    right = {"whole": whole, "border": border, "middle": middle}
    answers = {kind: (np.arange(n) < count).astype(np.int64) for kind, count in right.items()}
    pictures = dict.fromkeys(MASKS, "data:image/jpeg;base64,AAAA")
    return background_reliance(true, answers.pop("whole"), answers, pictures)


@pytest.mark.parametrize(
    ("whole", "border", "middle", "warn", "said"),
    [
        (40, 38, 20, True, "It may rely on the background"),
        (40, 32, 38, False, "The border alone helps it"),
        (40, 20, 38, False, "There is no sign that it relies on the background"),
        (40, 20, 20, False, "This cannot be answered here"),
        (20, 20, 20, False, "This cannot be answered here"),
    ],
)
def test_only_what_is_beyond_chance_is_said(whole, border, middle, warn, said):
    result = verdict(whole, border, middle)
    assert result.warn is warn
    assert result.verdict.startswith(said)
    assert result.majority == 20


def three_classes(n, border):
    """Of n whole images all are right, with the border alone so many; guessing is on a third."""
    true = sorted((["cup", "mug", "jug"] * n)[:n])
    right, guessed = np.ones(n, np.int64), np.arange(n) < n // 3
    answers = {"border": (np.arange(n) < border).astype(np.int64), "middle": guessed.astype(int)}
    return background_reliance(
        true, right, answers, dict.fromkeys(MASKS, "data:image/jpeg;base64,AAAA")
    )


@pytest.mark.parametrize(("n", "border", "warn"), [(19, 14, False), (100, 97, True)])
def test_a_loss_that_few_images_cannot_show_is_no_reason_to_warn(n, border, warn):
    result = three_classes(n, border)
    assert result.masks[0].above_majority
    assert not result.masks[0].worse
    assert result.warn is warn
    assert ("cannot be told from 19 images" in result.verdict) is not warn


def test_a_few_images_show_nothing():
    result = verdict(4, 4, 4, n=4)
    assert result.verdict.startswith("This cannot be answered here")
    assert [mask.p for mask in result.masks] == [1.0, 1.0]


def test_both_looks_are_corrected_together():
    border, middle = verdict(40, 34, 33).masks  # 6 and 7 that only the whole images tell
    assert middle.p_whole == pytest.approx(2 * 2 * 0.5**7)
    assert border.p_whole == pytest.approx(2 * 0.5**6)
    assert border.worse
    assert middle.worse
