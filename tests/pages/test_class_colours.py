"""The colours of classes, by numbers: told from each other and from what they stand on."""

import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

FILE = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"
THEME = tomllib.loads(FILE.read_text(encoding="utf-8"))["theme"]
DIFFERENT = 14.0
"""CIEDE2000; colours of neighbouring names, such as orange and red, differ by some twenty."""


def rgb(colours: list[str]) -> npt.NDArray[np.float64]:
    """(n, 3), from 0 to 1."""
    return np.array([[int(each[at : at + 2], 16) for at in (1, 3, 5)] for each in colours]) / 255


def luminance(colours: list[str]) -> npt.NDArray[np.float64]:
    """Relative luminance, as WCAG 2.2 defines it."""
    values = rgb(colours)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("look", ["light", "dark"])
def test_twenty_classes_have_colours_that_are_told_apart(look: str):
    colours = THEME[look]["chartCategoricalColors"]
    assert len(colours) >= 20
    lab = rgb2lab(rgb(colours))
    near = {(a, b): deltaE_ciede2000(lab[a], lab[b]) for a, b in combinations(range(len(lab)), 2)}
    assert min(near.values()) >= DIFFERENT


@pytest.mark.parametrize("look", ["light", "dark"])
def test_every_colour_of_a_class_stands_out_from_the_ground(look: str):
    theme = THEME[look]
    own = luminance(theme["chartCategoricalColors"])
    for ground in luminance([theme["backgroundColor"], theme["secondaryBackgroundColor"]]):
        contrast = (np.maximum(own, ground) + 0.05) / (np.minimum(own, ground) + 0.05)
        assert contrast.min() >= 3
