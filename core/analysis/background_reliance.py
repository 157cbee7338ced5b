"""Whether a model goes by what stands around the thing: its answers with the middle hidden, and
with nothing but the middle.

That the thing stands in the middle is a guess. The hidden part is filled with the mean colour of
what stays visible, so that nothing of it is left, not even its colour. For networks that recognise
backgrounds see Xiao et al., "Noise or Signal: The Role of Image Backgrounds in Object Recognition"
(ICLR 2021), and Ribeiro et al., "Why Should I Trust You?" (KDD 2016), for hiding parts.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.evaluation.metrics import SURE, compare, wilson
from core.evaluation.significance import holm

MIDDLE = 0.6
"""Of each side of the square that the network sees: so much of it is called the middle."""

CAVEAT = (
    f"The middle is the inner {100 * MIDDLE:.0f} of 100 of each side: only a guess at where the "
    "thing stands. Where it is larger or stands aside, the border shows a part of it; so look at "
    "the pictures before you blame the background."
)

Right = npt.NDArray[np.int64]
"""(n,): 1 for each picture that was answered rightly, 0 for the others."""


@dataclass(frozen=True, slots=True)
class Mask:
    """One way to hide a part of a picture."""

    title: str
    """Plain words."""
    cover: Callable[[Image.Image], Image.Image]
    """A square RGB picture to one of which a part is hidden."""


def border_alone(square: Image.Image) -> Image.Image:
    """The picture with its middle hidden."""
    return _filled(square, _middle(square))


def middle_alone(square: Image.Image) -> Image.Image:
    """The picture with all but its middle hidden."""
    return _filled(square, ~_middle(square))


MASKS: dict[str, Mask] = {
    "border": Mask("Middle hidden", border_alone),
    "middle": Mask("Only the middle", middle_alone),
}


def judged(
    true: Sequence[str], whole: Right, masked: Mapping[str, Right], pictures: Mapping[str, str]
) -> dict[str, Any]:
    """What follows from the answers to n whole pictures and to the same ones masked.

    `true` are the classes; `masked` and `pictures` (data addresses of an example) are by key of
    MASKS. Gives {"n", "right", "baseline", "looks": [{"kind", "title", "right", "interval", "p",
    "above", "p_whole", "worse", "picture"}], "warn", "verdict"}: `baseline` is how often always
    saying the commonest class is right; `p` is from McNemar's test against that and `p_whole` from
    the one against the whole pictures, both corrected after Holm for the two looks. `warn` is for
    a border that is above guessing and shown to lose little: with 95 % confidence less than half of
    what the whole pictures are right on beyond guessing.
    """
    n = len(true)
    commonest, most = Counter(true).most_common(1)[0]
    constant = np.array([each == commonest for each in true], np.int64)
    above, p = _tests(masked, constant)
    below, p_whole = _tests(masked, whole)
    looks = [
        {
            "kind": kind,
            "title": mask.title,
            "right": int(masked[kind].sum()),
            "interval": wilson(int(masked[kind].sum()), n),
            "p": p[kind],
            "above": above[kind] > 0 and p[kind] < SURE,
            "p_whole": p_whole[kind],
            "worse": below[kind] < 0 and p_whole[kind] < SURE,
            "picture": pictures[kind],
        }
        for kind, mask in MASKS.items()
    ]
    found: dict[str, Any] = {"n": n, "right": int(whole.sum()), "baseline": most, "looks": looks}
    border, middle = looks
    little = _most_lost(whole, masked["border"]) < (found["right"] - most) / 2 / n
    warn = bool(border["above"] and not border["worse"] and little)
    return found | {"warn": warn, "verdict": _verdict(found, border, middle, warn=warn)}


def _most_lost(whole: Right, masked: Right) -> float:
    """What share of right answers is lost at most, with 95 % confidence, when a part is hidden.

    The upper end of the interval of Bonett and Price, "Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data", Journal of Educational and Behavioral
    Statistics 37 (2012): one answer more that each alone gets right.
    """
    n = len(whole) + 2
    lost, won = ((one > other).sum() + 1 for one, other in ((whole, masked), (masked, whole)))
    spread = (lost + won) / n - ((lost - won) / n) ** 2
    return float((lost - won) / n + 1.96 * np.sqrt(spread / n))


def _verdict(
    found: dict[str, Any], border: dict[str, Any], middle: dict[str, Any], *, warn: bool
) -> str:
    n, base = found["n"], found["baseline"]
    if border["above"]:
        alone = f"With the middle hidden it is still right on {border['right']} of {n}"
        if warn:
            return (
                f"It may look at the background. {alone}, which is not shown to be worse than on "
                f"the whole pictures ({found['right']} of {n})."
            )
        if not border["worse"]:
            return (
                f"The border alone tells it something. {alone}, more than always saying the "
                f"commonest class would be ({base} of {n}). Whether it goes by the background "
                f"above all, {n} pictures are too few to tell (of the whole ones it is right on "
                f"{found['right']})."
            )
        return (
            f"The border alone tells it something. {alone}, more than always saying the commonest "
            f"class would be ({base} of {n}), but fewer than of the whole pictures "
            f"({found['right']} of {n})."
        )
    if middle["above"]:
        return (
            "Nothing shows that it goes by the background. With the middle hidden it is not shown "
            f"to be better than always saying the commonest class ({base} of {n}); by the middle "
            f"alone it is right on {middle['right']} of {n}."
        )
    return (
        "Nothing can be said. Neither the border nor the middle alone is shown to be better than "
        f"always saying the commonest class ({base} of {n}): perhaps it needs both, or these are "
        "too few pictures."
    )


def _tests(masked: Mapping[str, Right], other: Right) -> tuple[dict[str, int], dict[str, float]]:
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
