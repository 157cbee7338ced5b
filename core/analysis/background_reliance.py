"""Whether a model goes by what stands around the object: its predictions with the middle hidden,
and with nothing but the middle.

That the object stands in the middle is a guess. The hidden part is filled with the mean colour of
what stays visible, so that nothing of it is left, not even its colour. For networks that recognise
backgrounds see Xiao et al., "Noise or Signal: The Role of Image Backgrounds in Object Recognition"
(ICLR 2021), and Ribeiro et al., "Why Should I Trust You?" (KDD 2016), for hiding parts.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.evaluation.metrics import SIGNIFICANCE, Interval, compare, wilson
from core.evaluation.significance import holm

MIDDLE = 0.6
"""Of each side of the square that the network sees: so much of it is called the middle."""

CAVEAT = (
    f"The middle is the inner {100 * MIDDLE:.0f} % of each side, a guess at where the subject "
    "is. If the subject is larger or off-centre, the border shows part of it: look at the "
    "images before you blame the background."
)

Correct = npt.NDArray[np.int64]
"""(n,): 1 for each image that was predicted rightly, 0 for the others."""


@dataclass(frozen=True, slots=True)
class Mask:
    """One way to hide a part of an image."""

    title: str
    """Plain words."""
    cover: Callable[[Image.Image], Image.Image]
    """A square RGB image to one of which a part is hidden."""


def border_alone(square: Image.Image) -> Image.Image:
    """The image with its middle hidden."""
    return _filled(square, _middle(square))


def middle_alone(square: Image.Image) -> Image.Image:
    """The image with all but its middle hidden."""
    return _filled(square, ~_middle(square))


MASKS: dict[str, Mask] = {
    "border": Mask("Middle hidden", border_alone),
    "middle": Mask("Only the middle", middle_alone),
}


@dataclass(frozen=True, slots=True)
class MaskedScore:
    """How it does with a part of the images hidden."""

    kind: str
    """Key of MASKS."""
    title: str
    correct: int
    interval: Interval
    p: float
    """Of McNemar's test against always saying the most frequent class, corrected after Holm for the
    two masks."""
    above_majority: bool
    """Shown to be better than that."""
    p_whole: float
    """Of the test against the whole images, corrected likewise."""
    worse: bool
    """Shown to be worse than on the whole images."""
    image: str
    """The first one, masked, as a data address."""


@dataclass(frozen=True, slots=True)
class BackgroundReliance:
    """What follows from the predictions for n whole images and for the same ones masked."""

    n: int
    correct: int
    """Of the whole images."""
    majority: int
    """How often always saying the most frequent class is right."""
    masks: tuple[MaskedScore, ...]
    warn: bool
    """The border alone is above the majority and shown to lose little: with 95 % confidence less
    than half of what the whole images are right on beyond it."""
    verdict: str


def background_reliance(
    true: Sequence[str],
    whole: Correct,
    masked: Mapping[str, Correct],
    examples: Mapping[str, str],
) -> BackgroundReliance:
    """Compare the whole images with the masked ones.

    `true` are the classes (n,); `masked` and `examples` (data addresses) are by key of MASKS.
    """
    n, right = len(true), int(whole.sum())
    frequent, majority = Counter(true).most_common(1)[0]
    constant = np.array([each == frequent for each in true], np.int64)
    above, p = _tests(masked, constant)
    below, p_whole = _tests(masked, whole)
    scores = {
        kind: MaskedScore(
            kind=kind,
            title=mask.title,
            correct=int(masked[kind].sum()),
            interval=wilson(int(masked[kind].sum()), n),
            p=p[kind],
            above_majority=above[kind] > 0 and p[kind] < SIGNIFICANCE,
            p_whole=p_whole[kind],
            worse=below[kind] < 0 and p_whole[kind] < SIGNIFICANCE,
            image=examples[kind],
        )
        for kind, mask in MASKS.items()
    }
    border = scores["border"]
    little = _most_lost(whole, masked["border"]) < (right - majority) / 2 / n
    warn = bool(border.above_majority and not border.worse and little)
    verdict = _verdict(n, right, majority, border, scores["middle"], warn=warn)
    return BackgroundReliance(n, right, majority, tuple(scores.values()), warn, verdict)


def _most_lost(whole: Correct, masked: Correct) -> float:
    """What proportion of right predictions is lost at most, with 95 % confidence, when a part is
    hidden.

    The upper end of the interval of Bonett and Price, "Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data", Journal of Educational and Behavioral
    Statistics 37 (2012): one answer more that each alone gets right.
    """
    n = len(whole) + 2
    lost, won = ((one > other).sum() + 1 for one, other in ((whole, masked), (masked, whole)))
    spread = (lost + won) / n - ((lost - won) / n) ** 2
    return float((lost - won) / n + 1.96 * np.sqrt(spread / n))


def _verdict(
    n: int, right: int, majority: int, border: MaskedScore, middle: MaskedScore, *, warn: bool
) -> str:
    if border.above_majority:
        alone = f"With the middle hidden it still gets {border.correct} of {n} right"
        if warn:
            return (
                f"It may rely on the background. {alone}; the images are too few to show that "
                f"this is worse than on whole images ({right} of {n})."
            )
        if not border.worse:
            return (
                f"The border alone helps it. {alone}, more than always answering the most "
                f"frequent class ({majority} of {n}). Whether it relies mainly on the "
                f"background cannot be told from {n} images (whole images: {right} right)."
            )
        return (
            f"The border alone helps it. {alone}, more than always answering the most frequent "
            f"class ({majority} of {n}), but fewer than on whole images ({right} of {n})."
        )
    if middle.above_majority:
        return (
            "There is no sign that it relies on the background. With the middle hidden it "
            f"does no better than always answering the most frequent class ({majority} of "
            f"{n}). From the middle alone it gets {middle.correct} of {n} right."
        )
    return (
        "This cannot be answered here. Neither the border nor the middle alone does better "
        f"than always answering the most frequent class ({majority} of {n}). Perhaps the model "
        "needs both, or there are too few images."
    )


def _tests(
    masked: Mapping[str, Correct], other: Correct
) -> tuple[dict[str, int], dict[str, float]]:
    """By mask: how many more are right than of `other`, and the corrected p of it."""
    paired = {kind: compare(np.ones_like(other), right, other) for kind, right in masked.items()}
    more = {kind: each.only_first - each.only_second for kind, each in paired.items()}
    corrected = holm([each.p for each in paired.values()])
    return more, dict(zip(paired, corrected, strict=True))


def _middle(square: Image.Image) -> npt.NDArray[np.bool_]:
    """(height, width), True in the middle."""
    inside = np.zeros((square.height, square.width), bool)
    top, left = (round(side * (1 - MIDDLE) / 2) for side in inside.shape)
    inside[top : square.height - top, left : square.width - left] = True
    return inside


def _filled(square: Image.Image, hidden: npt.NDArray[np.bool_]) -> Image.Image:
    pixels = np.array(square)
    pixels[hidden] = pixels[~hidden].mean(0).round().astype(np.uint8)
    return Image.fromarray(pixels)
