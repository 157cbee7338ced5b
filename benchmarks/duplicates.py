"""Near-copies planted among real images: how many the check finds, how many it finds wrongly.

`make bench ARGS=duplicates`; about five minutes on two free cores. The thresholds in
core/checks/_near_copies.py were chosen on other choices of images than the one reported.
"""

import io
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from core.checks import from_dict
from core.checks._runner import check
from core.dataset.ingest.importing import import_images
from core.dataset.samples import SAMPLES, write_sample
from core.dataset.store import Store
from core.events import Finished, Found
from core.settings import Settings

SEED = 7
"""Of the images planted. The thresholds were chosen with others (100 to 206)."""
EACH = 40
"""Images of a sample that get a copy of each kind."""


def _cropped(share: float) -> Callable[[Image.Image], Image.Image]:
    def crop(image: Image.Image) -> Image.Image:
        side, top = (round(n * share) for n in image.size)
        left, up = (image.width - side) // 2, (image.height - top) // 2
        return image.crop((left, up, left + side, up + top))

    return crop


def _encoded(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=40)
    return Image.open(buffer).convert("RGB")


def _halved(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def _mirrored(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _lit(factor: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: ImageEnhance.Brightness(image).enhance(factor)


PLANTINGS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "crop to 90 %": _cropped(0.9),
    "crop to 80 %": _cropped(0.8),
    "JPEG of quality 40": _encoded,
    "half the size": _halved,
    "mirror image": _mirrored,
    "20 % brighter": _lit(1.2),
    "20 % darker": _lit(0.8),
}


def plant(folder: Path, kind: str, seed: int) -> dict[str, str]:
    """Write EACH near-copies into the class folders of their originals: copy's name, original's.

    Names as they are brought: paths below `folder`.
    """
    names = sorted(file.relative_to(folder).as_posix() for file in folder.glob("*/*.png"))
    planted = {}
    for place in np.random.default_rng(seed).choice(len(names), EACH, replace=False):
        original = Path(names[place])
        with Image.open(folder / original) as opened:
            white = Image.new("RGBA", opened.size, "white")
            image = Image.alpha_composite(white, opened.convert("RGBA")).convert("RGB")
        copy = original.with_name(f"copy-of-{original.name}")
        PLANTINGS[kind](image).save(folder / copy)
        planted[copy.as_posix()] = original.as_posix()
    return planted


def main() -> list[dict[str, Any]]:
    """A row for each sample and planting, and one for each sample as it is.

    found of planted: copies that stand in one problem with their original (copies that come out
    equal to the byte are no items and not counted). right of problems: those that hold nothing but
    one original and its copies. Of a sample as it is every problem counts as wrong.
    """
    rows = []
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home) / "home")
        for sample in SAMPLES:
            for kind in ("nothing", *PLANTINGS):
                folder = write_sample(sample, Path(home) / f"{sample}-{kind}")
                planted = plant(folder, kind, SEED) if kind in PLANTINGS else {}
                rows.append({"sample": sample, "planted": kind} | _row(folder, planted, settings))
                print(json.dumps(rows[-1]), flush=True)
    return rows


def _row(folder: Path, planted: dict[str, str], settings: Settings) -> dict[str, Any]:
    store = Store(settings.home)
    *_, imported = import_images(folder, store, settings, title=folder.name)
    if not isinstance(imported, Finished):
        raise RuntimeError("the import did not finish")
    dataset = store.load(imported.result["dataset"])
    events = list(check(dataset, store, settings))
    problems = [from_dict(event.problem) for event in events if isinstance(event, Found)]
    families = [
        {dataset.items[place].name for place in problem.indices}
        for problem in problems
        if problem.kind == "near-duplicate"
    ]
    here = {item.name for item in dataset.items}
    pairs = [pair for pair in planted.items() if here.issuperset(pair)]
    found = sum(any(family.issuperset(pair) for family in families) for pair in pairs)
    right = sum(len({planted.get(name, name) for name in family}) == 1 for family in families)
    other = Counter(problem.kind for problem in problems)
    return {
        "found": found,
        "of": len(pairs),
        "recall": round(found / len(pairs), 3) if pairs else None,
        "right": right,
        "problems": len(families),
        "precision": round(right / len(families), 3) if families else None,
        "leak, two-labels, burst": [other[kind] for kind in ("leak", "two-labels", "burst")],
    }
