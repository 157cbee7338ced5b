"""A short run of each strategy on the device."""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.on_gpu.bench import Bench
from benchmarks.on_gpu.checks import Wrong, guarded
from core.strategies import strategies


def each_strategy(bench: Bench) -> dict[str, Any]:
    """A short run of each strategy: seconds, losses, score, or its error."""
    teacher = bench.begin(bench.recipe(bench.shapes, "feature_extraction"))
    bench.trained(teacher)
    rows: dict[str, Any] = {}
    for name, fields in _short_runs(bench, teacher):
        if not bench.in_time:
            rows[name] = {"skipped": "no time left"}
        elif fields is None:
            rows[name] = {"skipped": "needs open_clip and a text encoder, which is not bundled"}
        else:
            rows[name] = guarded(partial(_short_run, bench, name.split(" ")[0], fields))
    return rows


def _short_runs(bench: Bench, teacher: Path) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """A name and the fields of a recipe for each strategy, and on a GPU for each kind of it."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    if bench.choices.thorough:
        kinds["soft_sharing"] = [{"hold": h} for h in ("l2-sp", "bss", "delta", "co-tuning")]
        kinds["domain_adaptation"] = [{"method": m} for m in ("mcc", "dann", "coral", "mmd")]
        kinds["last_stages"] = [
            {}, {"augmentation": "trivial"}, {"patience": 2}, {"n_averaged_runs": 2},
            {"balanced": True, "dropout": 0.2},
        ]  # fmt: skip
    for name, strategy in strategies().items():
        if name not in (bench.choices.strategies or [name]):
            continue
        if name == "descriptions":
            yield name, None
            continue
        fields: dict[str, Any] = {"dataset": bench.shapes}
        if "tasks" in strategy.needs:
            fields["dataset"] = bench.two_questions
        if "teacher" in strategy.needs:
            fields["teacher"] = str(teacher)
        if "earlier" in strategy.needs:
            fields["start"] = str(teacher)
        if strategy.fits("cnn"):
            fields["backbone"] = bench.transformer
        known = strategy.options.model_fields
        steps = {"steps": bench.choices.steps, "batch": min(8, bench.choices.batch)}
        steps |= {"self_supervised_steps": 2, "rounds": 2}
        usual = {key: value for key, value in steps.items() if key in known}
        for kind in kinds.get(name, [{}]):
            said = " ".join([name, *(f"{key}={value}" for key, value in kind.items())])
            yield said, {**fields, "options": {**usual, **kind}}


def _short_run(bench: Bench, strategy: str, fields: dict[str, Any]) -> dict[str, Any]:
    dataset, rest = fields["dataset"], {k: v for k, v in fields.items() if k != "dataset"}
    taken, report = bench.trained(bench.begin(bench.recipe(dataset, strategy, **rest)))
    if not all(math.isfinite(loss) for loss in taken):
        raise Wrong(f"the loss is not finite: {taken}")
    if "steps" in rest["options"] and not taken:
        raise Wrong("no step was taken")
    row: dict[str, Any] = {"correct": report.correct, "n": report.n, "seconds": report.seconds}
    return row | ({"first_loss": taken[0], "last_loss": taken[-1]} if taken else {})
