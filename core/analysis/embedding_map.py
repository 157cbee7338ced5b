"""A map of all images: each gets a point in a square, and images that look alike lie together.

The points are kept in <home>/maps/<dataset id>-<method>.json by image, so that a version made by
an edit is shown on the map of the version it came from, where nothing has moved.
"""

import json
import time
import warnings
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from core import seeding
from core.checks._runner import image_features
from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.errors import BadInput
from core.events import Event, Finished, Progress
from core.files import read_sealed, replace_file, sealed
from core.settings import Settings
from core.storage import storage

Method = Literal["pca", "umap"]
METHODS: tuple[Method, ...] = get_args(Method)
_FEWEST_FOR_UMAP = 10
_BEFORE_UMAP = 50
"""Principal components that UMAP begins from: fewer to compare, and less noise in them."""
_NEIGHBOURS = 15
_MOST_COMPARED = 10_000
"""Images up to which each is compared with each; UMAP approximates the neighbours of more."""


def map_images(
    dataset: Dataset, store: Store, settings: Settings, method: str = "pca"
) -> Iterator[Event]:
    """Give every image of the dataset a point.

    Yields Progress, then Finished with {"dataset": id, "method": method, "file": path}. Raises
    BadInput for a method there is none of, or that is not installed.
    """
    began = time.monotonic()
    if method not in methods():
        raise BadInput(
            f"No map method is called “{method}”. Choose one of: {', '.join(methods())}. For "
            "“umap”, install the package umap-learn."
        )
    features = yield from image_features(dataset, store, settings)
    yield Progress("Drawing the map", 0, 0)
    points = scaled(_umap(features) if method == "umap" else principal(features, 2))
    file = _file(settings, dataset.id, method)
    file.parent.mkdir(parents=True, exist_ok=True)
    images = [item.image for item in dataset.items]
    content = {"images": images, "points": np.round(points, 4).tolist()}
    replace_file(file, sealed(json.dumps(content)))
    result = {"dataset": dataset.id, "method": method, "file": str(file)}
    yield Finished(round(time.monotonic() - began, 2), result)


@cache
def methods() -> tuple[Method, ...]:
    """The methods that are installed here."""
    return tuple(name for name in METHODS if name != "umap" or find_spec("umap"))


def points_by_image(
    dataset_id: str, settings: Settings, method: str = "pca"
) -> dict[str, tuple[float, float]] | None:
    """Where each image of this version lies, 0 to 1 both ways; None when nobody has mapped it."""
    if method not in METHODS:
        return None
    try:
        content = json.loads(read_sealed(_file(settings, dataset_id, method)))
        points = content.get("points") or content["places"]  # as versions before called them
        pairs = zip(content["images"], points, strict=True)
        return {str(image): (float(x), float(y)) for image, (x, y) in pairs}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def principal(features: np.ndarray, axes: int) -> np.ndarray:
    """The directions in which features (n, d) differ most (PCA): (n, axes), the widest first.

    Features are brought to length 1 before, so that a bright image is no outlier for that.
    """
    length = np.linalg.norm(features, axis=1, keepdims=True)
    x = (features / np.maximum(length, 1e-12)).astype(np.float64)
    x -= x.mean(0)
    widest = _widest(x, axes)
    # Either end of an axis could be called its upper one: the larger entry decides, always alike.
    strongest = widest[np.abs(widest).argmax(0), np.arange(widest.shape[1])]
    points: np.ndarray = x @ (widest * np.where(strongest < 0, -1.0, 1.0))
    return points


def _widest(x: np.ndarray, axes: int) -> np.ndarray:
    """Unit vectors (d, axes) along which centred rows (n, d) differ most; zeros where nothing
    differs any more. Found in the smaller of the two spaces, which takes far less time."""
    n, d = x.shape
    if n >= d:
        return np.asarray(np.linalg.eigh(x.T @ x)[1][:, ::-1][:, :axes])
    lengths, vectors = np.linalg.eigh(x @ x.T)
    own = x.T @ vectors[:, ::-1][:, :axes]
    sizes = np.linalg.norm(own, axis=0)
    differs = sizes > 1e-6 * np.sqrt(max(lengths[-1], 0.0))
    found = np.zeros((d, axes))
    found[:, : own.shape[1]] = np.where(differs, own / np.where(differs, sizes, 1.0), 0.0)
    return found


def scaled(points: np.ndarray) -> np.ndarray:
    """Points (n, 2) stretched so that each axis reaches from 0 to 1; 0.5 where nothing differs."""
    low, high = points.min(0), points.max(0)
    width = np.where(high - low > 1e-9, high - low, 1.0)
    stretched: np.ndarray = np.where(high - low > 1e-9, (points - low) / width, 0.5)
    return stretched


def _umap(features: np.ndarray) -> np.ndarray:
    """UMAP (McInnes, Healy, Melville 2018, arXiv 1802.03426), the same every time.

    Neighbours are kept beside each other; distances between far groups mean little.
    """
    if len(features) < _FEWEST_FOR_UMAP:
        return principal(features, 2)
    from umap import UMAP

    near = principal(features, min(_BEFORE_UMAP, *features.shape))
    count = min(_NEIGHBOURS, len(near) - 1)
    layout = UMAP(
        n_neighbors=count,
        precomputed_knn=neighbours(near, count) if len(near) <= _MOST_COMPARED else (None, None),
        min_dist=0.15,
        init="pca",
        random_state=seeding.derive(0, "map"),
        n_jobs=1,  # several would make it differ from time to time
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no image can be added to the map
        return np.asarray(layout.fit_transform(near), np.float64)


def neighbours(points: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` nearest of each of points (n, d), itself first, compared with all others: as
    indices (n, count) and distances (n, count).

    UMAP's own search is compiled anew in each process, which takes longer than this.
    """
    from sklearn.neighbors import NearestNeighbors

    others = NearestNeighbors(n_neighbors=count - 1, algorithm="brute").fit(points)
    apart, near = others.kneighbors()
    own = np.arange(len(points))[:, None]
    indices, distances = np.hstack([own, near]), np.hstack([np.zeros((len(points), 1)), apart])
    return indices.astype(np.int32), distances.astype(np.float32)


def _file(settings: Settings, dataset_id: str, method: str) -> Path:
    return storage().here(settings.home / "maps" / f"{dataset_id}-{method}.json")
