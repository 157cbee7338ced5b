"""Images of no class that a classifier knows, told by how far they lie from its training images.

The out-of-distribution score: the distance of an image from the nearest training image, larger
where the prediction is in doubt (after "Nearest Neighbor Guidance for Out-of-Distribution
Detection", Park, Jung and Teoh, ICCV 2023; and Sun et al. 2022, arXiv 2204.06507). Compared are the
features that the classifier reads and what the late stages of the network see, each by the cosine
of its square roots, so that a few loud ones count less (the Hellinger kernel, Arandjelović and
Zisserman, CVPR 2012). benchmarks/unknown.py and unknown_stages.py compare it with others.
"""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core import seeding, tensors
from core.errors import BadInput, Damaged
from core.evaluation.metrics import Probabilities
from core.files import read_sealed, replace_file, sealed

Features = npt.NDArray[np.floating]

FILE = "reference_features.safetensors"
"""Beside the weights of a model."""
_IMAGES = "reference_images.json"
"""In the folder of a run, not in what is exported: the hashes of the images, row by row."""
_OLD_FILE, _OLD_IMAGES = "known.safetensors", "known.json"
"""What versions before format 2 called them."""
KEPT = 0.95
"""Proportion of images of its own classes that shall not be called out of distribution."""
MOST = 2_000
"""Images that are kept to compare with: 9 MB for the default network."""
_SMALL = 1e-7
"""No probability counts as less, or its logarithm would be without end."""
_LEAST = 1e-3
"""A threshold no lower than this: of images that are all alike, each new one would lie beyond."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Numbers of several kinds in one row, each kind compared for itself."""

    sizes: tuple[int, ...]
    weights: tuple[float, ...]
    """How much the cosine of each counts; they sum to 1."""

    @classmethod
    def of(cls, rows: Features, sizes: Sequence[int]) -> "Blocks":
        """So weighted that these rows (m, sum of the sizes) lie equally far apart in every block;
        one that says little about them all would else count for little."""
        apart = [
            1 / max(1e-6, 1 - float((_roots(each).mean(0) ** 2).sum())) if len(each) else 1.0
            for each in _split(rows, sizes)
        ]
        return cls(tuple(sizes), tuple(each / sum(apart) for each in apart))

    def roots(self, rows: Features) -> npt.NDArray[np.float32]:
        """Rows of unit length whose product is the weighted cosine, float32."""
        parts = [
            np.float32(weight**0.5) * _roots(each)
            for each, weight in zip(_split(rows, self.sizes), self.weights, strict=True)
        ]
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True, slots=True)
class ReferenceFeatures:
    """What a new image is compared with."""

    features: npt.NDArray[np.float16]
    """(m, d): from `prepared`."""
    threshold: float
    """The score above which an image is out of distribution."""
    blocks: Blocks | None = None
    """None: a model of before, which compares the last features alone."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many numbers of each kind are compared."""
        return self.blocks.sizes if self.blocks else (self.features.shape[1],)

    def scores(
        self, features: Features, probabilities: Sequence[Probabilities]
    ) -> npt.NDArray[np.float64]:
        """Out-of-distribution scores, (n,), in units of the threshold: above 1 is out.

        `features` is (n, d), with blocks (n, sum of their sizes); `probabilities` (n, classes) for
        each question.
        """
        far = distances(features, self.features, self.blocks)
        if self.blocks is None:
            confidence = np.mean([each.max(1) for each in probabilities], axis=0)
            return ood_score(far, 2 - np.asarray(confidence, np.float64)) / self.threshold
        return ood_score(far, doubt(probabilities)) / self.threshold

    def save(self, folder: Path) -> None:
        """Write it into the folder of a model."""
        threshold = np.array([self.threshold], np.float64)
        content: dict[str, npt.NDArray[Any]] = {"features": self.features, "threshold": threshold}
        if self.blocks:
            content["block_sizes"] = np.array(self.blocks.sizes, np.int64)
            content["block_weights"] = np.array(self.blocks.weights, np.float64)
        tensors.write(folder / FILE, content, framework="np")

    @classmethod
    def load(cls, folder: Path) -> "ReferenceFeatures | None":
        """Read it back; None when the model has none. Raises BadInput when it is damaged."""
        file, names = folder / FILE, ("features", "threshold")
        if not file.exists():
            file, names = folder / _OLD_FILE, ("rows", "border")
        try:
            content = tensors.read(file, framework="np").tensors
            features, threshold = content[names[0]], float(content[names[1]][0])
            blocks = _blocks(content)
        except FileNotFoundError:
            return None
        except (Damaged, KeyError, IndexError, TypeError, ValueError) as error:
            raise BadInput(
                f"This model cannot be opened: its file “{file.name}” is damaged. Train it "
                "again, or use an undamaged copy."
            ) from error
        if features.ndim != 2 or not len(features) or not threshold > 0 or _odd(blocks, features):
            raise BadInput(
                f"This model cannot be opened: its file “{file.name}” is not as expected. "
                "Train it again, or use an undamaged copy."
            )
        return cls(features, threshold, blocks)


def save_reference_images(images: Sequence[str], run: Path) -> None:
    """Write the hashes of the images that the reference features are of into the run's folder."""
    replace_file(run / _IMAGES, sealed(json.dumps(list(images))))


def reference_images(run: Path) -> list[str]:
    """The hashes, in the order of the reference features; empty where they are not known."""
    for name in (_IMAGES, _OLD_IMAGES):
        try:
            return [str(image) for image in json.loads(read_sealed(run / name))]
        except FileNotFoundError:
            continue
        except (OSError, ValueError, TypeError):
            return []
    return []


def prepared(features: Features, blocks: Blocks | None = None) -> npt.NDArray[np.float16]:
    """Features (m, d) as they are kept: square roots of unit length."""
    return _rows(features, blocks).astype(np.float16)


def distances(
    features: Features,
    reference: npt.NDArray[np.float16],
    blocks: Blocks | None = None,
    *,
    apart: tuple[Sequence[Hashable], Sequence[Hashable]] | None = None,
) -> npt.NDArray[np.float64]:
    """1 - cosine to the nearest of the reference (m, d) of `prepared`, for features (n, d): (n,).

    `apart` names the group of each image and of each reference: within a group nothing is compared.
    """
    cosines = cosine_similarity(features, reference, blocks)
    if apart is not None:
        number = {group: index for index, group in enumerate({*apart[0], *apart[1]})}
        own, theirs = (np.array([number[g] for g in side], np.int64) for side in apart)
        cosines[own[:, None] == theirs[None]] = -1
    nearest: npt.NDArray[np.float64] = (1 - cosines.max(1)).astype(np.float64).clip(min=0)
    return nearest


def cosine_similarity(
    features: Features, reference: npt.NDArray[np.float16], blocks: Blocks | None = None
) -> npt.NDArray[np.float32]:
    """Cosine of features (n, d) with each of the reference (m, d) of `prepared`: (n, m)."""
    cosines: npt.NDArray[np.float32] = _rows(features, blocks) @ reference.astype(np.float32).T
    return cosines


def doubt(probabilities: Sequence[Probabilities]) -> npt.NDArray[np.float64]:
    """From 1 for a sure answer to 1.65 where all classes are as likely, (n,): exp(H / 2), where H
    is the entropy as a proportion of the largest there can be, in the mean over the questions,
    whose probabilities are (n, classes)."""
    entropies = []
    for each in probabilities:
        p = np.asarray(each, np.float64).clip(_SMALL)
        entropies.append(-(p * np.log(p)).sum(1) / np.log(max(2, p.shape[1])))
    doubts: npt.NDArray[np.float64] = np.exp(np.mean(entropies, axis=0) / 2)
    return doubts


def ood_score(
    distance: npt.NDArray[np.float64], doubt: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The distance itself where there is no doubt, and more where there is."""
    return distance * doubt


def ood_threshold(scores: npt.NDArray[np.float64], kept: float = KEPT) -> float | None:
    """The score that this proportion of new images like those of the scores (n,) does not exceed.

    A conformal quantile; None when there are too few images to tell (fewer than 19 for 95 %).
    """
    rank = ceil((len(scores) + 1) * kept - 1e-9)
    if rank > len(scores):
        return None
    return max(_LEAST, float(np.sort(scores)[rank - 1]))


def balanced_sample(labels: npt.NDArray[np.integer], most: int = MOST) -> npt.NDArray[np.int64]:
    """Indices of at most so many images, every class in turn; ascending."""
    order = seeding.numpy_generator(0, "reference").permutation(len(labels))
    turn = np.empty(len(labels), np.int64)
    seen: dict[int, int] = {}
    for index in order:
        turn[index] = seen.get(int(labels[index]), 0)
        seen[int(labels[index])] = int(turn[index]) + 1
    return np.sort(order[np.argsort(turn[order], kind="stable")][:most])


def _blocks(content: Mapping[str, npt.NDArray[Any]]) -> Blocks | None:
    if "block_sizes" not in content:
        return None
    sizes = tuple(int(each) for each in content["block_sizes"])
    return Blocks(sizes, tuple(float(each) for each in content["block_weights"]))


def _odd(blocks: Blocks | None, features: Features) -> bool:
    """Whether these blocks are not those of such features."""
    if blocks is None:
        return False
    fits = len(blocks.sizes) == len(blocks.weights) and sum(blocks.sizes) == features.shape[1]
    return not fits or min(blocks.sizes) < 1 or not all(0 <= each <= 1 for each in blocks.weights)


def _rows(features: Features, blocks: Blocks | None) -> npt.NDArray[np.float32]:
    return _roots(features) if blocks is None else blocks.roots(features)


def _split(rows: Features, sizes: Sequence[int]) -> list[Features]:
    return list(np.split(rows, np.cumsum(sizes)[:-1], axis=1))


def _roots(features: Features) -> npt.NDArray[np.float32]:
    rows = np.sign(features) * np.sqrt(np.abs(features))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True).clip(min=1e-12)
    unit: npt.NDArray[np.float32] = (rows / lengths).astype(np.float32)
    return unit
