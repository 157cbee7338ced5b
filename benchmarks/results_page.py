"""How soon the results page is there: `make bench ARGS=results_page` (goal: under 2 s a look).

Two real runs on the emoji, judged with all images in turn, so that everything is shown that needs
only what was kept: scores, comparisons, which to keep, and each look at them. Every look is opened
in a new session of a running server's process, as by a refresh; the first one in the process, which
loads modules, is told apart. Ratios are against passing the test images through the network once.
"""

import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from streamlit.testing.v1 import AppTest

from benchmarks.ranking import imported
from core.dataset.store import Store
from core.settings import get_settings

_INDEX = Path(__file__).resolve().parents[1] / "pages" / "index.py"
_TURNS = 5
_LOOKS = (
    "What it mixes up", "Class by class", "Worst mistakes", "How sure it is",
    "Where to draw the line", "What mistakes cost",
)  # fmt: skip


def main() -> dict[str, Any]:
    """Seconds of the first look, and for each look the median of 5, as seconds and as a ratio."""
    with tempfile.TemporaryDirectory() as place:
        os.environ |= {"GRAFT_HOME": f"{place}/home", "GRAFT_OFFLINE": "1"}
        get_settings.cache_clear()
        project, run, passed = _filled()
        first = _seconds(project, run, _LOOKS[0])
        looks = {
            look: median(_seconds(project, run, look) for _ in range(_TURNS)) for look in _LOOKS
        }
    return {
        "first look, s": round(first, 2),
        "one pass of the test images, s": round(passed, 2),
        "looks, s": {look: round(seconds, 2) for look, seconds in looks.items()},
        "slowest against the pass": round(max(looks.values()) / passed, 3),
    }


def _filled() -> tuple[str, str, float]:
    """A project with two finished runs, the newer one, and seconds of a pass."""
    from core.jobs.log import append
    from core.jobs.queue import open_queue
    from core.jobs.spec import JobSpec
    from core.model import Model
    from core.projects import add_dataset, create_project, create_run, run_folder
    from core.projects.database import migrate
    from core.recipe import Recipe
    from core.training.run import train

    settings = get_settings()
    migrate(settings)
    open_queue(settings)
    dataset = imported("emoji", settings)
    project = create_project("Emoji").id
    add_dataset(project, dataset.id)
    for number in range(2):
        recipe = Recipe(
            dataset=dataset.id, backbone=f"tf_efficientnet_lite{number}",
            strategy="feature_extraction", evaluation="cross_validation",
        )  # fmt: skip
        run = create_run(project, recipe)
        JobSpec("train").write(run_folder(run))
        for event in train(run_folder(run), settings, lambda: False):
            append(run_folder(run), event)
    model = Model.load(run_folder(run) / "model")
    images = [Store(settings.home).open(item.image) for item in dataset.labelled]
    model.predict(images[:32])
    began = time.monotonic()
    model.predict(images)
    return project, run, time.monotonic() - began


def _seconds(project: str, run: str, look: str) -> float:
    app = AppTest.from_file(str(_INDEX), default_timeout=120)
    app.run()
    app.switch_page("results.py")
    for name, value in {"project": project, "run": run, "look": look}.items():
        app.query_params[name] = value
    began = time.monotonic()
    app.run()
    seconds = time.monotonic() - began
    if app.exception:
        raise RuntimeError(app.exception[0].message)
    return seconds
