"""Blurred, dark, overexposed, nearly uniform, tiny and oddly shaped images.

An image is only named when it is poor by itself *and* unusual here: a set of enlarged, flat or
dark images is what it is, and its owner knows it.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from core.checks import Check, Evidence, Fix, Problem, listed

Numbers = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_UNUSUAL = 2.5
"""Spreads from the median, on a scale of ratios."""
_PART = 0.4
"""Of the median: what is more than that is not called a fault, however alike the others are."""
_LEAST_SPREAD = 0.05
_TINY = 64
_SEEN = 224
"""Pixels of a side that the usual network sees."""
_LONG = 4.0
"""Longer than wide by so much: squashed to a square nothing is recognised, cropped it is lost."""
_DARK, _BRIGHT, _FLAT, _BLURRED = 0.13, 0.9, 0.02, 0.35
"""Brightness with contrast, brightness, contrast, sharpness: the scales of
core.checks._image_statistics."""

_WORDS = {
    "dark": ("nearly black (underexposed)", "brighten or remove them"),
    "bright": ("nearly white (overexposed)", "remove them or take them again"),
    "uniform": ("almost a single colour", "remove those that show nothing"),
    "blurred": ("much less sharp than the others (blurred)", "remove them or take them again"),
    "long": (
        "more than four times as long as wide, though networks see squares",
        "crop to the part that matters",
    ),
    "tiny": (
        f"tiny: the network sees {_SEEN} × {_SEEN} pixels, and these images have far fewer",
        "replace them with larger ones",
    ),
}


def _find(evidence: Evidence) -> Iterator[Problem]:
    total = len(evidence.dataset.items)
    taken = np.zeros(total, bool)  # the first fault of an image is enough
    for name, faulty in (_faults_of_pixels(evidence) | _faults_of_shape(evidence)).items():
        indices = faulty[~taken[faulty]]
        taken[indices] = True
        if name == "tiny" and 2 * len(indices) > total:
            yield _all_tiny(evidence, indices)
        elif len(indices):
            what, suggestion = _WORDS[name]
            is_, them = ("image is", "it") if len(indices) == 1 else ("images are", "them")
            chosen = tuple(int(index) for index in indices)
            yield Problem(
                kind="quality",
                sentence=f"{len(indices):,} {is_} {what}: {listed(chosen, evidence.dataset)}.",
                indices=chosen,
                fixes=(Fix("remove", f"Remove {them}", chosen),),
                suggestion=suggestion,
                weight=len(indices) / total,
            )


def _faults_of_pixels(evidence: Evidence) -> dict[str, Indices]:
    """Indices by fault, the worst first."""
    statistics = evidence.image_statistics
    light, contrast, sharp = (
        statistics[name].astype(np.float64) for name in ("brightness", "contrast", "sharpness")
    )
    faults = {
        "dark": (light, _unusual(light) & (light + contrast < _DARK)),
        "bright": (1 - light, _unusual(1 - light) & (light > _BRIGHT)),
        "uniform": (contrast, _unusual(contrast) & (contrast < _FLAT)),
        "blurred": (sharp * contrast, _unusual(sharp * contrast) & (sharp < _BLURRED)),
    }
    return {name: _worst_first(value, faulty) for name, (value, faulty) in faults.items()}


def _faults_of_shape(evidence: Evidence) -> dict[str, Indices]:
    """Indices by fault, the worst first; of images whose files nothing is known of, none."""
    facts = [item.facts for item in evidence.dataset.items]
    known = np.array([each is not None for each in facts], bool)
    sides = np.array([(f.width, f.height) if f else (1, 1) for f in facts], np.float64)
    if not known.any():
        return {}
    short = sides.min(1).clip(min=1)
    shape = sides.max(1) / short
    small = (short < _TINY) | ((short < _SEEN / 2) & (short < np.median(short[known]) / 4))
    long = (shape > _LONG) & (shape > 2 * np.median(shape[known]))
    return {
        "long": _worst_first(-shape, known & long),
        "tiny": _worst_first(short, known & small),
    }


def _unusual(values: Numbers) -> npt.NDArray[np.bool_]:
    """Whether each is far below the others, by the ratio to their median."""
    ratios = np.log(values + 1e-3)
    middle, low = np.quantile(ratios, (0.5, 0.1)) if len(ratios) else (0.0, 0.0)
    spread = max((middle - low) / 1.2816, _LEAST_SPREAD)  # the 10 % quantile of a bell curve
    below: npt.NDArray[np.bool_] = ratios < middle - max(_UNUSUAL * spread, -np.log(_PART))
    return below


def _worst_first(values: Numbers, faulty: npt.NDArray[np.bool_]) -> Indices:
    indices = np.flatnonzero(faulty)
    return indices[np.argsort(values[indices], kind="stable")]


def _all_tiny(evidence: Evidence, indices: Indices) -> Problem:
    total = len(evidence.dataset.items)
    which = f"All {total:,}" if len(indices) == total else f"{len(indices):,} of {total:,}"
    return Problem(
        kind="quality",
        sentence=f"{which} images are tiny: the network sees {_SEEN} × {_SEEN} pixels, and "
        "these have far fewer.",
        suggestion="replace them with larger images, if there are any",
    )


CHECK = Check(
    kind="quality",
    title="Poor images",
    advice="Little can be learned from an image that shows little (image quality). A few do no "
    "harm, but check that they show their class.",
    rank=130,
    find=_find,
    fixes=frozenset({"remove"}),
)
