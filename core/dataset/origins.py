"""Where the images of a dataset were brought from, while it may still be there.

    <home>/origins/<dataset id>.json

It is no part of the dataset: the same images from another folder are the same dataset.
"""

import json
from contextlib import suppress
from pathlib import Path

from core.files import read_sealed, replace_file, sealed
from core.storage import storage


def remember_origin(home: Path, dataset: str, source: Path) -> None:
    """Write down the folder or archive that a dataset was read from, unless it lies in the home:
    what was uploaded is taken away again."""
    place = source.resolve()
    if place.is_relative_to(home.resolve()):
        return
    with suppress(OSError):  # to know it is a convenience
        _file(home, dataset).parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"source": str(place)})
        replace_file(_file(home, dataset), sealed(text))


def origin_of(home: Path, dataset: str) -> Path | None:
    """The folder or archive that a dataset was read from; None where it is not known or gone."""
    try:
        place = Path(json.loads(read_sealed(_file(home, dataset)))["source"])
        return place if place.exists() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _file(home: Path, dataset: str) -> Path:
    return storage().here(home / "origins" / f"{dataset}.json")
