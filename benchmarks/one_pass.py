"""All that follows an import of 300 images, as the product does it, against one pass over them.

The first model (with its own account of unknown images), the checks, the ranking of the default
network and the map, one job after the other through the queue and a warm worker, with nothing
computed before. The goal: together at most 1.5 times decoding the images once and passing them once
through OpenVINO (in a process of its own, which has everything loaded; in every turn before the
jobs). Wall time runs from handing in to the last event; processor time is that of the
jobs' processes, from fork to exit. `make bench ARGS=one_pass`, some minutes.
"""

import json
import secrets
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.job import (
    emoji,
    floor,
    idle,
    photographs,
    processor_seconds,
    spread,
    turns_of,
    wait_for,
)  # fmt: skip

_BACKBONE = "tf_efficientnet_lite0"
_COMPUTED = ("features", "checks", "rankings", "maps", "runs", "jobs")
"""Folders of the home that an import leaves empty."""

Seconds = dict[str, float]


def main() -> dict[str, Any]:
    """For each set: medians of the turns in seconds, by job and by stage, and the ratios."""
    return {"emoji": _measured(emoji), "photographs of 1,024 px": _measured(photographs)}


def _measured(write: Callable[[Path], None]) -> dict[str, Any]:
    return _summary(turns_of(write, _turn))


def _turn(home: Path, dataset: str, worker: int) -> dict[str, Seconds]:
    """Wall and processor time of the pass and of the jobs, and wall time of each stage."""
    for name in _COMPUTED:
        shutil.rmtree(home / name, ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.one_pass", str(home), dataset]
    alone = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    wall = {"one pass": alone["wall"]}
    cpu = {"one pass": alone["cpu"]}
    stages: Seconds = {"unknowns, within the first model": alone["unknowns"]}
    for name, kind, args in _jobs(dataset):
        folder = _run_folder(home, dataset) if kind == "train" else _job_folder()
        before = processor_seconds(worker)
        took = _job(kind, folder, args)
        wait_for(lambda: idle(worker))
        cpu[name] = processor_seconds(worker) - before
        wall[name] = sum(took.values())
        stages |= {f"{name}: {stage}": seconds for stage, seconds in took.items()}
    return {"wall": wall, "cpu": cpu, "stages": stages}


def _jobs(dataset: str) -> list[tuple[str, str, dict[str, Any]]]:
    of = {"dataset": dataset}
    return [
        ("first model", "train", {}),
        ("checks", "check", of),
        ("ranking", "rank", of | {"backbones": [_BACKBONE]}),
        ("map", "map", of),
    ]


def _job(kind: str, folder: Path, args: dict[str, Any]) -> Seconds:
    """Seconds of one job of the real queue, by what its events say was being done."""
    from core.events import Finished, PhaseStarted, Progress, Started
    from core.jobs import status, submit
    from core.jobs.log import read_events

    status(folder)  # the connection to the queue stands
    took: dict[str, float] = defaultdict(float)
    stage, offset, ended = "starting the process", 0, False
    since = time.monotonic()
    submit(kind, folder, args)
    while not ended:
        time.sleep(0.002)
        events, offset = read_events(folder, offset)
        for event in events:
            now = time.monotonic()
            took[stage] += now - since
            since, ended = now, isinstance(event, Finished)
            match event:
                case Started():
                    stage = "loading"
                case PhaseStarted(title=title):
                    stage = title
                case Progress(what=what):
                    stage = what.split(":")[0]
                case _:
                    pass
    return dict(took)


def _run_folder(home: Path, dataset: str) -> Path:
    """A run as `core.jobs.first_run` makes it, outside any project."""
    from core.dataset.store import Store
    from core.recipe import Recipe
    from core.strategies import get_strategy
    from core.training.evaluation_mode import usual_evaluation

    strategy = "feature_extraction"
    evaluation = usual_evaluation(Store(home).load(dataset), get_strategy(strategy))
    recipe = Recipe(dataset=dataset, backbone=_BACKBONE, strategy=strategy, evaluation=evaluation)
    folder = home / "runs" / secrets.token_hex(8)
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(recipe.to_json())
    return folder


def _job_folder() -> Path:
    from core.jobs import new_job

    return new_job()


def _summary(turns: list[dict[str, Seconds]]) -> dict[str, Any]:
    medians = {
        of: {
            name: round(median(turn[of].get(name, 0.0) for turn in turns), 3)
            for name in dict.fromkeys(name for turn in turns for name in turn[of])
        }
        for of in ("wall", "cpu", "stages")
    }
    return {"seconds": medians} | {
        f"{of}_ratio": spread([_ratio(turn[of]) for turn in turns]) for of in ("wall", "cpu")
    }


def _ratio(seconds: Seconds) -> float:
    return sum(seconds.values()) / seconds["one pass"] - 1


def _alone(home: Path, dataset: str) -> dict[str, float]:
    """Decoding and the quicker runtime's pass, and what the account of unknown images takes."""
    import numpy as np

    from core.dataset.splits import groups_of
    from core.dataset.store import Store
    from core.evaluation.left_out import leave_classes_out

    took, features = floor(home, dataset, runtimes=("openvino",))
    items = Store(home).load(dataset).labelled
    labels = np.unique([str(item.label) for item in items], return_inverse=True)[1]
    began = time.monotonic()
    leave_classes_out(features, (features.shape[1],), labels, groups_of(items))
    return {
        "wall": took["decoding"] + took["openvino"],
        "cpu": took["decoding, cpu"] + took["openvino, cpu"],
        "unknowns": time.monotonic() - began,
    }


if __name__ == "__main__":
    print(json.dumps(_alone(Path(sys.argv[1]), sys.argv[2])))
