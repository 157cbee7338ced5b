"""The one-file page against the app: `make bench ARGS=one_page`.

A classifier of emoji (Lite0, its classifier trained) is asked about 200 images in the page, in a
headless Chromium, in a headless Firefox where there is one, and in the app: 100 test images as they
are stored, and 100 drawn by code, from 300 to 4,000 px and of every kind of file that a browser
shows. The page is opened from its file, without a network.
"""

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks import firefox
from benchmarks.ranking import imported
from benchmarks.trained import trained
from core.analysis.prediction import ImagePrediction
from core.dataset.store import Store
from core.export.chromium import find_chromium, opened
from core.export.formats import export
from core.export.odd_images import WRITERS, write_image
from core.export.page_trial import compared, page_answers, tab_answers
from core.export.rehearsal import app_answers
from core.recipe import Recipe
from core.settings import Settings

_OF_EACH = 100
_SHOWN = [kind for kind in WRITERS if kind != "tiff"]
_KEPT_SIDE = 1024
_TIMED = 40
_SPEED = """new Promise((done) => {
  const began = performance.now();
  const look = () => answers.length < %d || working ? setTimeout(look, 5) : done(
    (performance.now() - began) / %d);
  look();
})"""


def main() -> dict[str, Any]:
    """Agreement up to 1,024 px and above, and of every kind; megabytes, milliseconds."""
    browser = find_chromium()
    if browser is None:
        return {"skipped": "there is no Chromium"}
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(home=Path(place) / "home", offline=True)
        dataset, run, page = (
            imported("emoji", settings),
            Path(place) / "run",
            Path(place) / "m.html",
        )
        recipe = Recipe(
            dataset=dataset.id,
            backbone="tf_efficientnet_lite0",
            strategy="feature_extraction",
            evaluation="holdout",
        )
        report = trained(run, recipe, settings)
        *_, finished = export(run, page, settings, form="page")
        store = Store(settings.home)
        files = [store.path(row.image) for row in report.kept_predictions[:_OF_EACH]]
        files += _drawn(Path(place) / "drawn")
        ours, theirs = app_answers(run, files, settings), page_answers(page, files, browser)
        small = [max(Image.open(file).size) <= _KEPT_SIDE for file in files]
        return {
            "up to 1024 px": _agreement(ours, theirs, small),
            "above": _agreement(ours, theirs, [not each for each in small]),
            **{
                kind: _agreement(ours, theirs, [f"-{kind}-" in file.name for file in files])
                for kind in _SHOWN
            },
            "megabytes": round(page.stat().st_size / 1e6, 1),
            "rehearsal": {what: of for what, of in finished.result.items() if what != "file"},
            **_speed(page, files[:_TIMED], browser),
            **_in_firefox(page, files, ours, small),
        }


def _in_firefox(
    page: Path, files: Sequence[Path], ours: Sequence[ImagePrediction], small: Sequence[bool]
) -> dict[str, Any]:
    browser = firefox.find_firefox()
    if browser is None:
        return {"firefox": "there is none"}
    with firefox.opened(page, browser) as tab:
        theirs = tab_answers(tab, files)
    return {
        "firefox": firefox.version(browser),
        "firefox, up to 1024 px": _agreement(ours, theirs, small),
        "firefox, above": _agreement(ours, theirs, [not each for each in small]),
        **{
            f"firefox, {kind}": _agreement(ours, theirs, [f"-{kind}-" in f.name for f in files])
            for kind in _SHOWN
        },
    }


def _drawn(folder: Path) -> list[Path]:
    folder.mkdir()
    chance, kinds = random.Random(0), [_SHOWN[number % len(_SHOWN)] for number in range(_OF_EACH)]
    sides = [(chance.randint(300, 4000), chance.randint(300, 4000)) for _ in kinds]
    return [
        write_image(folder, kind, *size, number)
        for number, (kind, size) in enumerate(zip(kinds, sides, strict=True))
    ]


def _agreement(
    ours: Sequence[ImagePrediction], theirs: Sequence[ImagePrediction], among: Sequence[bool]
) -> dict[str, float]:
    chosen = [number for number, each in enumerate(among) if each]
    found = compared([ours[number] for number in chosen], [theirs[number] for number in chosen])
    return {
        "n": found.n,
        "labels_equal": found.labels_equal,
        "max_difference": float(f"{found.max_difference:.1e}"),
    }


def _speed(page: Path, files: Sequence[Path], browser: str) -> dict[str, float]:
    """Milliseconds from opening the page until the model is ready, and of an image."""
    with opened(page, browser, seconds=300) as tab:
        ready = float(tab.evaluate("model.then(() => performance.now())"))
        tab.choose("files", files)
        each = float(tab.evaluate(_SPEED % (len(files), len(files))))
    return {"ready_ms": round(ready), "image_ms": round(each)}
