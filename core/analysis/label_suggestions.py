"""Help with labelling: unlabelled images in rows that can be accepted at a glance.

With labelled images of two classes or more, a classifier on the cached features proposes a class
for each unlabelled one; without them, images that look alike are put in rows to be named. What
was proposed is kept in <home>/proposals/<dataset id>.json by image, so that it outlasts the
versions that accepting makes.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from core import seeding
from core.analysis.embedding_map import principal
from core.checks._runner import image_features
from core.dataset.edits import relabel
from core.dataset.manifest import Dataset
from core.dataset.splits import folds, groups_of
from core.dataset.store import Store
from core.errors import BadInput
from core.events import Event, Finished, Progress
from core.files import read_sealed, replace_file, sealed
from core.settings import Settings
from core.storage import storage

ROW = 12
"""Images in a row at most: what one sees at once."""
_AXES = 32
"""Principal components in which images are grouped by what they look like."""
_ONE_STRENGTH = (0.1,)
"""Used when there are too few labels to choose the regularisation."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What an unlabelled image may show."""

    image: str
    """SHA-256 (hex): its address in the store."""
    label: str | None = None
    """The likeliest class; None where there was nothing to learn from. Text from outside."""
    probability: float = 0.0
    """Probability of that class, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Row:
    """At most 12 images that look alike and probably belong to one class."""

    label: str | None
    """The proposed class; None: they only look alike."""
    guesses: tuple[Guess, ...]
    correct: int = 0
    """Of the labelled images that the classifier, not having seen them, predicted with at least the
    confidence of the least confident one here, so many were right …"""
    n: int = 0
    """… out of so many."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """Everything that is proposed for one version of a dataset."""

    rows: tuple[Row, ...]
    """The most confident first."""
    by_hand: tuple[Guess, ...]
    """The images whose labels would teach the most: the least certain, and different from each
    other."""


def propose(dataset: Dataset, store: Store, settings: Settings) -> Iterator[Event]:
    """Group the unlabelled images and propose their classes.

    Yields Progress, then Finished with {"dataset": id, "rows": how many}. Raises BadInput when
    there is no unlabelled image.
    """
    began = time.monotonic()
    indices = [k for k, item in enumerate(dataset.items) if item.role == "unlabelled"]
    if not indices:
        raise BadInput("Every image already has a class. Add some without a class.")
    features = yield from image_features(dataset, store, settings)
    yield Progress("Grouping images that look alike", 0, 0)
    made = proposals_for(dataset, features, indices)
    file = _file(settings, dataset.id)
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, sealed(json.dumps(asdict(made), ensure_ascii=False)))
    result = {"dataset": dataset.id, "rows": len(made.rows)}
    yield Finished(round(time.monotonic() - began, 2), result)


def proposals_for(dataset: Dataset, features: np.ndarray, indices: Sequence[int]) -> Proposals:
    """Proposals for the items at `indices`, from features (n, d) of all items."""
    images = [dataset.items[index].image for index in indices]
    own = features[indices]
    axes = principal(own, min(_AXES, *own.shape))
    if len(dataset.classes) < 2:
        rows = [
            Row(None, tuple(Guess(images[index]) for index in chunk))
            for chunk in _alike(axes, np.arange(len(images)), np.zeros(len(images)))
        ]
        return Proposals(tuple(rows), ())
    probabilities, held_out = _probabilities(dataset, features, own)
    best = probabilities.max(1)
    guesses = [
        Guess(image, dataset.classes[k], round(float(probability), 4))
        for image, k, probability in zip(images, probabilities.argmax(1), best, strict=True)
    ]
    chosen = _by_hand(axes, probabilities)
    rows = []
    for number, label in enumerate(dataset.classes):
        members = np.flatnonzero(probabilities.argmax(1) == number)
        for chunk in _alike(axes, np.setdiff1d(members, chosen), best):
            correct, n = _as_confident(held_out, float(best[chunk].min()))
            rows.append(Row(label, tuple(guesses[index] for index in chunk), correct, n))
    rows.sort(key=lambda row: -sum(guess.probability for guess in row.guesses) / len(row.guesses))
    return Proposals(tuple(rows), tuple(guesses[index] for index in chosen))


def proposals(dataset_id: str, settings: Settings) -> Proposals | None:
    """What was proposed for this version; None when nobody has asked yet."""
    try:
        content = json.loads(read_sealed(_file(settings, dataset_id)))
        return TypeAdapter(Proposals).validate_python(upgraded(content))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


_RENAMED = {"share": "probability", "right": "correct", "of": "n"}


def upgraded(content: Any) -> Any:
    """The content of a file of proposals with the names of today, which versions before lacked."""
    if isinstance(content, dict):
        return {_RENAMED.get(name, name): upgraded(value) for name, value in content.items()}
    return [upgraded(value) for value in content] if isinstance(content, list) else content


def label_images(dataset: Dataset, labels: Mapping[str, str]) -> Dataset:
    """The dataset with these unlabelled images (by hash) in these classes; one step to undo.

    Raises BadInput when none of them is unlabelled here, or a class has no name.
    """
    made = dataset
    for label in sorted(set(labels.values())):
        places = [
            place
            for place, item in enumerate(dataset.items)
            if item.role == "unlabelled" and labels.get(item.image) == label
        ]
        if places:
            made = relabel(made, places, label)
    if made is dataset:
        raise BadInput("These images have been labelled in the meantime. Reload the page.")
    if len(set(labels.values())) == 1:
        return made
    n = sum(a is not b for a, b in zip(made.items, dataset.items, strict=True))
    change = f"{n:,} images labelled by hand"
    return replace(made, parent=dataset.id, change=change)


def _probabilities(
    dataset: Dataset, features: np.ndarray, own: np.ndarray
) -> tuple[np.ndarray, list[tuple[float, bool]]]:
    """Probabilities (m, classes) for `own` (m, d), and for each labelled image, by a classifier
    that had not seen it, its confidence and whether it was right."""
    from core.features.linear_probe import C_GRID, fit_probe, softmax

    number = {name: index for index, name in enumerate(dataset.classes)}
    labelled = [k for k, item in enumerate(dataset.items) if item.role == "labelled"]
    labels = np.array([number[str(dataset.items[k].label)] for k in labelled], np.int64)
    enough = np.bincount(labels).min() >= 2
    parts = folds(labels.tolist(), groups_of([dataset.items[k] for k in labelled]), 5, seed=0)
    strengths = C_GRID if enough else _ONE_STRENGTH
    fitted = fit_probe(features[labelled], labels, len(number), parts, C_grid=strengths)
    logits = own @ fitted.weight.T + fitted.bias
    confidence = fitted.out_of_fold.max(1)
    correct = fitted.out_of_fold.argmax(1) == labels
    held_out = list(zip(confidence.tolist(), correct.tolist(), strict=True)) if enough else []
    return softmax(logits), held_out


def _as_confident(held_out: Sequence[tuple[float, bool]], least: float) -> tuple[int, int]:
    found = [correct for confidence, correct in held_out if confidence >= least]
    return sum(found), len(found)


def _alike(axes: np.ndarray, members: np.ndarray, order: np.ndarray) -> list[np.ndarray]:
    """The members parted into rows that look alike; in each the largest of `order` first."""
    rows = []
    for group in _clusters(axes, members, -(-len(members) // ROW)):
        ordered = group[np.argsort(-order[group], kind="stable")]
        rows += [ordered[start : start + ROW] for start in range(0, len(ordered), ROW)]
    return rows


def _by_hand(axes: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """At most a row of images with the smallest margin between their two likeliest classes, each
    from another cluster, so that none repeats what its neighbour teaches."""
    two = np.sort(probabilities, axis=1)[:, -2:]
    margin = two[:, 1] - two[:, 0]
    count = min(ROW, max(1, len(probabilities) // 4))
    uncertain = np.argsort(margin, kind="stable")[: 4 * count]
    clusters = _clusters(axes, uncertain, count)
    each = [cluster[margin[cluster].argmin()] for cluster in clusters]
    return np.array(sorted(each, key=lambda place: margin[place]), dtype=np.int64)


def _clusters(axes: np.ndarray, members: np.ndarray, number: int) -> list[np.ndarray]:
    """The members in at most `number` groups that look alike (k-means), none of them empty."""
    if number < 2:
        return [members] if len(members) else []
    if len(members) <= number:
        return [members[[place]] for place in range(len(members))]
    from sklearn.cluster import KMeans

    seed = seeding.derive(0, "clusters")
    found = KMeans(number, n_init=2, random_state=seed).fit_predict(axes[members])
    return [members[found == each] for each in range(number) if (found == each).any()]


def _file(settings: Settings, dataset_id: str) -> Path:
    return storage().here(settings.home / "proposals" / f"{dataset_id}.json")
