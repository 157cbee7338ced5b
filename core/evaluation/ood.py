"""Images of no class that a classifier knows, told by how far they lie from what it learned from.

How unlike an image is: the distance of its features from those of the nearest image that was
learned from, up to doubled by how unsure the answer is (after "Nearest Neighbor Guidance for
Out-of-Distribution Detection", Park, Jung and Teoh, ICCV 2023; and Sun et al. 2022, arXiv
2204.06507). The cosine is that of the square roots of the features, so that a few loud features
count less (the Hellinger kernel, Arandjelović and Zisserman, CVPR 2012). benchmarks/unknown.py
compares it with others.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core import tensors
from core.errors import BadInput, Damaged
from core.evaluation.metrics import Probabilities

Features = npt.NDArray[np.floating]

FILE = "known.safetensors"
"""Beside the weights of a model."""
IMAGES = "known.json"
"""In the folder of a run, not in what is taken away: the hashes of the images, row by row."""
KEPT = 0.95
"""Share of images of its own classes that shall not be called unknown."""
MOST = 2_000
"""Images that are kept to compare with: 5 MB for 1,280 features."""
_LEAST = 1e-3
"""A border no lower than this: of images that are all alike, each new one would lie beyond."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a new image is compared with."""

    rows: npt.NDArray[np.float16]
    """(m, d): from `prepared`."""
    border: float
    """How unlike an image may be before it is called unknown."""

    def scores(self, features: Features, sure: Probabilities) -> npt.NDArray[np.float64]:
        """How unlike images are, (n,): above 1 they are called unknown.

        `features` is (n, d), `sure` (n,) the probability of each answer.
        """
        return unlike(distances(features, self.rows), sure) / self.border

    def save(self, folder: Path) -> None:
        """Write it into the folder of a model."""
        border = np.array([self.border], np.float64)
        tensors.write(folder / FILE, {"rows": self.rows, "border": border}, framework="np")

    @classmethod
    def load(cls, folder: Path) -> "Known | None":
        """Read it back; None when the model has none. Raises BadInput when it is damaged."""
        try:
            content = tensors.read(folder / FILE, framework="np").tensors
            rows, border = content["rows"], float(content["border"][0])
        except FileNotFoundError:
            return None
        except (Damaged, KeyError, IndexError) as error:
            raise BadInput(
                f"This model cannot be opened: its file “{FILE}” is damaged on disk. "
                "Train it again, or take an undamaged copy."
            ) from error
        if rows.ndim != 2 or not len(rows) or not border > 0:
            raise BadInput(f"This model cannot be opened: its file “{FILE}” is not as expected.")
        return cls(rows, border)


def prepared(features: Features) -> npt.NDArray[np.float16]:
    """Features (m, d) as they are kept: square roots of unit length."""
    return _roots(features).astype(np.float16)


def distances(
    features: Features,
    rows: npt.NDArray[np.float16],
    *,
    apart: tuple[Sequence[Hashable], Sequence[Hashable]] | None = None,
) -> npt.NDArray[np.float64]:
    """1 - cosine to the nearest of the rows (m, d) of `prepared`, for features (n, d): (n,).

    `apart` names the group of each image and of each row: within a group nothing is compared.
    """
    likeness = likenesses(features, rows)
    if apart is not None:
        number = {group: place for place, group in enumerate({*apart[0], *apart[1]})}
        own, theirs = (np.array([number[g] for g in side], np.int64) for side in apart)
        likeness[own[:, None] == theirs[None]] = -1
    nearest: npt.NDArray[np.float64] = (1 - likeness.max(1)).astype(np.float64).clip(min=0)
    return nearest


def likenesses(features: Features, rows: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
    """Cosine of features (n, d) with each of the rows (m, d) of `prepared`: (n, m)."""
    cosines: npt.NDArray[np.float32] = _roots(features) @ rows.astype(np.float32).T
    return cosines


def unlike(distance: npt.NDArray[np.float64], sure: Probabilities) -> npt.NDArray[np.float64]:
    """A distance, as it is for a certain answer, and doubled where there is no answer at all."""
    return distance * (2 - np.asarray(sure, np.float64))


def border_of(scores: npt.NDArray[np.float64], kept: float = KEPT) -> float | None:
    """The value that this share of new images like the judged ones (n,) does not exceed.

    A conformal quantile; None when there are too few images to tell (fewer than 19 for 95 %).
    """
    place = ceil((len(scores) + 1) * kept - 1e-9)
    if place > len(scores):
        return None
    return max(_LEAST, float(np.sort(scores)[place - 1]))


def chosen(labels: npt.NDArray[np.integer], most: int = MOST) -> npt.NDArray[np.int64]:
    """Places of at most so many images to compare with, every class in turn; ascending."""
    order = np.random.default_rng(0).permutation(len(labels))
    turn = np.empty(len(labels), np.int64)
    seen: dict[int, int] = {}
    for place in order:
        turn[place] = seen.get(int(labels[place]), 0)
        seen[int(labels[place])] = int(turn[place]) + 1
    return np.sort(order[np.argsort(turn[order], kind="stable")][:most])


def _roots(features: Features) -> npt.NDArray[np.float32]:
    rows = np.sign(features) * np.sqrt(np.abs(features))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True).clip(min=1e-12)
    unit: npt.NDArray[np.float32] = (rows / lengths).astype(np.float32)
    return unit
