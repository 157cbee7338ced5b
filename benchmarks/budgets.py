"""The same network, the same split, the same seconds: what ours makes of it, and what fastai's
`fine_tune` and a plain timm loop do.

Seconds are those of one processor, to which each is held. Ours takes the first of `_METHODS` of
which its own cost estimate says that it fits, in an order chosen on seed 0 of the sketches. Counted
is everything from the first look at an image to the written report; of the others, only the
training (`benchmarks/other_libraries.py`, which says how fastai is installed), and they may show
images at each of `_SIZES`. `make bench ARGS=budgets`, half an hour for each sample and seed.
GRAFT_BENCH="sketches", GRAFT_BENCH_SECONDS="10 60 300" and GRAFT_BENCH_SEEDS="1 2 3" choose.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

from benchmarks.job import imported
from benchmarks.kept import keep, results
from benchmarks.trained import trained
from core.backbones.catalogue import DEFAULT
from core.dataset.samples import write_sample
from core.evaluation.metrics import mcnemar
from core.events import Finished
from core.recipe import Recipe
from core.settings import Settings, get_settings
from core.training.cost_estimate import estimate

_SAMPLES = os.environ.get("GRAFT_BENCH", "sketches").split()
_SECONDS = [float(each) for each in os.environ.get("GRAFT_BENCH_SECONDS", "10 60 300").split()]
_SEEDS = [int(each) for each in os.environ.get("GRAFT_BENCH_SEEDS", "1 2 3").split()]
_SIZES = {10.0: (96,), 60.0: (96,), 300.0: (96, 160)}
"""In px, for the others: below five minutes, a larger one leaves hardly an epoch."""
_TEST = 0.4
"""Fraction of each class: more than the product holds out, so that more can be told apart."""
_METHODS = (
    ("last_stages", 0),
    ("feature_extraction", 0),
    ("feature_extraction", 160),
    ("feature_extraction", 96),
)
"""With the size in px; 0 is the network's own. The last is taken in any case."""
_FEWEST = 60
"""Steps that are worth their while."""
_MARGIN = 0.9
_PROCESSOR = os.environ.get("GRAFT_BENCH_PROCESSOR", "0")


def main() -> list[dict[str, Any]]:
    """A row for each sample, seed, seconds and way; each is kept as soon as it is there."""
    rows: list[dict[str, Any]] = [
        row
        for row in results().get("budgets", [])
        if row["sample"] not in _SAMPLES or row["seed"] not in _SEEDS
    ]
    for sample in _SAMPLES:
        for seed in _SEEDS:
            with tempfile.TemporaryDirectory() as place:
                folder = _parted(write_sample(sample, Path(place) / sample), seed)
                for seconds in _SECONDS:
                    for row in _compared(folder, seconds, seed):
                        rows.append({"sample": sample, "seed": seed, "budget": seconds, **row})
                        print(json.dumps(rows[-1]), flush=True)
                        keep("budgets", rows)
    return rows


def _parted(folder: Path, seed: int) -> Path:
    """The class folders in two, `train` and `test`."""
    for group in sorted(folder.iterdir()):
        files = sorted(group.iterdir())
        random.Random(seed).shuffle(files)
        for number, file in enumerate(files):
            part = "test" if number < len(files) * _TEST else "train"
            to = folder / part / group.name
            to.mkdir(parents=True, exist_ok=True)
            file.rename(to / file.name)
        group.rmdir()
    return folder


def _compared(folder: Path, seconds: float, seed: int) -> Iterator[dict[str, Any]]:
    """Of each way: right, n, what it took; and by McNemar how sure it is that ours differs."""
    found = {"ours": _alone("benchmarks.budgets", folder, seconds, seed)}
    for library in ("fastai", "timm"):
        for size in _SIZES.get(seconds, (96,)):
            way = f"{library}, {size} px"
            module = "benchmarks.other_libraries"
            found[way] = _alone(module, library, folder, size, seconds, seed)
    ours = found["ours"]["right"]
    for way, each in found.items():
        right = each.pop("right")
        row = {"way": way, "right": sum(right), "n": len(right), **each}
        if way != "ours":
            pairs = list(zip(ours, right, strict=True))
            row["p"] = mcnemar(pairs.count((True, False)), pairs.count((False, True)))
        yield row


def _alone(module: str, *arguments: object) -> dict[str, Any]:
    """What it prints, in a process of its own that has one processor."""
    command = ["taskset", "-c", _PROCESSOR, sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _ours(folder: Path, seconds: float, seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        os.environ["GRAFT_HOME"] = place
        settings = get_settings()
        recipe = _that_fits(imported(folder), seconds, seed, settings)
        shutil.rmtree(settings.home / "features", ignore_errors=True)
        began = _processor_seconds()
        report = trained(settings.home / "run", recipe, settings)
        took = _processor_seconds() - began
        right = [each.correct for each in sorted(report.predictions, key=attrgetter("name"))]
        steps = recipe.options.get("steps", 0)
        said = {"method": recipe.strategy, "size": recipe.size, "steps": steps}
        return {"right": right, "seconds": took, **said}


def _that_fits(dataset: str, seconds: float, seed: int, settings: Settings) -> Recipe:
    """The first method that fits; one of gradient steps with as many as do."""
    for strategy, size in _METHODS:
        recipe = Recipe(dataset=dataset, backbone=DEFAULT, strategy=strategy, size=size, seed=seed)
        if strategy == "feature_extraction":
            if _told(recipe, settings) <= seconds * _MARGIN:
                break
            continue
        few, more = (_told(_with(recipe, steps), settings) for steps in (_FEWEST, 2 * _FEWEST))
        steps = _FEWEST + int((seconds * _MARGIN - few) * _FEWEST / (more - few))
        if steps >= _FEWEST:
            return _with(recipe, steps)
    return recipe


def _with(recipe: Recipe, steps: int) -> Recipe:
    return recipe.model_copy(update={"options": {"steps": steps}})


def _told(recipe: Recipe, settings: Settings) -> float:
    *_, last = estimate(recipe, settings)
    if not isinstance(last, Finished):
        raise TypeError(last)
    told: float = last.result["seconds"]
    return told


def _processor_seconds() -> float:
    return time.process_time() + sum(os.times()[2:4])


if __name__ == "__main__":
    print(json.dumps(_ours(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))))
