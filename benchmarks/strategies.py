"""What each training method reaches on real images with the bundled weights, seed by seed.

Seven questions: a small labelled set (learn), other methods for it (more), two domains (adapt), few
labelled and many unlabelled images (few), a small network beside a larger one (teach), two label
columns (tasks), new classes for a model that exists (continue). `make bench ARGS=strategies` takes
an hour and more a seed on two cores; GRAFT_BENCH="adapt few" and GRAFT_BENCH_SEEDS="1 2" choose a
part of it. Images are shown at GRAFT_BENCH_SIZE=96 px, about the size that the samples have.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.domains import outlined_emoji, printed_digits
from benchmarks.kept import keep, results
from benchmarks.tables import write_tables
from benchmarks.trained import trained
from core.dataset.ingest.importing import import_images
from core.dataset.manifest import Dataset, Role
from core.dataset.samples import write_sample
from core.dataset.splits import holdout
from core.dataset.store import Store
from core.events import Finished
from core.recipe import Recipe
from core.settings import Settings

LEARN: dict[str, dict[str, Any]] = {
    "feature_extraction": {},
    "last_stages": {},
    "gradual_unfreezing": {},
    "selective": {},
    "full": {},
    "soft_sharing": {},
    "from_scratch": {},
}
ADAPT: list[tuple[str, dict[str, Any]]] = [
    ("domain_alignment", {"method": "coral"}),
    ("domain_alignment", {"method": "subspace"}),
    ("domain_adaptation", {"trade_off": 0.0}),
    *(("domain_adaptation", {"method": method}) for method in ("mcc", "dann", "coral", "mmd")),
]
MORE: list[tuple[str, dict[str, Any]]] = [
    *(("soft_sharing", {"hold": hold}) for hold in ("bss", "delta", "co-tuning")),
    ("selective", {"parts": "biases"}),
]
LABELS = (5, 10, 20)
SIZE = int(os.environ.get("GRAFT_BENCH_SIZE", "96"))


def main() -> list[dict[str, Any]]:
    """A row for each question, sample, strategy and seed: right of n, interval, start, p.

    Each row is kept as soon as it is there, beside those of other questions and seeds; in the end
    docs/strategies.md is written from all.
    """
    wanted = os.environ.get("GRAFT_BENCH", "adapt few continue teach tasks learn more").split()
    seeds = [int(seed) for seed in os.environ.get("GRAFT_BENCH_SEEDS", "0 1 2").split()]
    questions = {"learn": _learn, "adapt": _adapt, "few": _few, "teach": _teach}
    questions |= {"tasks": _tasks, "continue": _continue, "more": _more}
    again = {(name, seed) for name in wanted for seed in seeds}
    earlier = results().get("strategies", [])
    rows = [row for row in earlier if (row["question"], row["seed"]) not in again]
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(Path(home))
        for name, seed in product(wanted, seeds):
            for row in questions[name](bench, seed):
                row.pop("folder")
                rows.append({"question": name, "seed": seed, **row})
                print(json.dumps(rows[-1]), flush=True)
                keep("strategies", rows)
    write_tables(rows)
    return rows


class Bench:
    """A home of its own, and the sets of images in it."""

    def __init__(self, home: Path) -> None:
        self.home, self.settings, self.store = home, Settings(home=home), Store(home)
        self.domains = {
            "digits": write_sample("digits", home / "digits"),
            "emoji": write_sample("emoji", home / "emoji"),
            "printed digits": printed_digits(home / "printed"),
            "outlined emoji": outlined_emoji(home / "outlined", home / "scratch"),
        }

    def dataset(self, name: str, role: Role = "labelled", to: Dataset | None = None) -> Dataset:
        """A domain as a dataset, or added to one in a role."""
        events = import_images(
            self.domains[name], self.store, self.settings, title=name, role=role, add_to=to
        )
        *_, last = events
        if not isinstance(last, Finished):
            raise TypeError(last)
        return self.store.load(last.result["dataset"])

    def run(self, dataset: Dataset, strategy: str, seed: int, **choices: Any) -> dict[str, Any]:
        """Train and give the row of it."""
        folder = Path(tempfile.mkdtemp(dir=self.home))
        fields = {"backbone": "tf_efficientnet_lite0", "options": {}, "size": SIZE, **choices}
        recipe = Recipe(dataset=dataset.id, strategy=strategy, seed=seed, **fields)
        report = trained(folder, recipe, self.settings)
        row: dict[str, Any] = {"data": dataset.title, "strategy": strategy, **recipe.options}
        row |= {"right": report.correct, "n": report.n, "interval": report.interval}
        row |= {"seconds": report.seconds, "folder": str(folder)}
        for each in report.tasks.values():
            mark = f" {each.task}" if each.task else ""
            row |= {f"right{mark}": each.correct, f"n{mark}": each.n}
            if each.start:
                row |= {f"start_right{mark}": each.start.correct, f"p{mark}": each.start.p}
        if report.retention:
            row |= {name: getattr(report.retention, name) for name in ("before", "now")}
            row |= {"of": report.retention.n}
        return row


def _learn(bench: Bench, seed: int) -> Iterator[dict[str, Any]]:
    for name in ("emoji", "digits"):
        dataset = bench.dataset(name)
        for strategy, options in LEARN.items():
            yield bench.run(dataset, strategy, seed, options=options)


def _more(bench: Bench, seed: int) -> Iterator[dict[str, Any]]:
    """Methods beside the usual ones, and one run as the backbone of the next."""
    for name in ("emoji", "digits"):
        dataset = bench.dataset(name)
        for strategy, options in MORE:
            yield bench.run(dataset, strategy, seed, options=options)
    outlined = bench.run(bench.dataset("outlined emoji"), "last_stages", seed)
    chained = bench.run(
        bench.dataset("emoji"), "feature_extraction", seed, start=outlined["folder"]
    )
    yield {"note": "after the outlined emoji", **chained}


def _adapt(bench: Bench, seed: int) -> Iterator[dict[str, Any]]:
    for target, source in (("digits", "printed digits"), ("emoji", "outlined emoji")):
        dataset = _without_twins(bench.dataset(source, "source", bench.dataset(target)), seed)
        bench.store.save(dataset)
        for strategy, options in ADAPT:
            yield bench.run(dataset, strategy, seed, options=options)
        few = few_labelled(dataset, 5, seed)
        bench.store.save(few)
        for method in ("importance", "tradaboost"):
            yield {
                "labels": 5,
                **bench.run(few, "instance_weighting", seed, options={"method": method}),
            }


def _few(bench: Bench, seed: int) -> Iterator[dict[str, Any]]:
    for name in ("emoji", "digits"):
        whole = bench.dataset(name)
        for labels in LABELS:
            few = few_labelled(whole, labels, seed)
            bench.store.save(few)
            for strategy in ("last_stages", "pseudo_labels", "self_supervised"):
                yield {"labels": labels, **bench.run(few, strategy, seed)}


def _teach(bench: Bench, seed: int) -> Iterator[dict[str, Any]]:
    for name in ("emoji", "digits"):
        dataset = bench.dataset(name)
        teacher = bench.run(dataset, "feature_extraction", seed, backbone="tf_efficientnet_lite2")
        yield {"backbone": "tf_efficientnet_lite2", **teacher}
        for what in ("both", "answers", "relations"):
            yield bench.run(
                dataset, "distillation", seed, teacher=teacher["folder"], options={"what": what}
            )


def _tasks(bench: Bench, seed: int) -> Iterator[dict[str, Any]]:
    """Both columns together, and each alone: the other's weight is 0."""
    for first, second in (("digits", "printed digits"), ("emoji", "outlined emoji")):
        joined = bench.dataset(second, "source", bench.dataset(first))
        items = tuple(
            replace(i, role="labelled", labels=(i.label, second if i.role == "source" else first))
            for i in joined.items
        )
        dataset = replace(joined, items=items, tasks=("class", "domain"))
        bench.store.save(dataset)
        for weights in ({}, {"domain": 0.0}, {"class": 0.0}):
            yield bench.run(dataset, "multi_task", seed, options={"weights": weights})


def _continue(bench: Bench, seed: int) -> Iterator[dict[str, Any]]:
    """A model of half the classes goes on with the other half, with and without the old images
    and answers."""
    for name in ("emoji", "digits"):
        whole = bench.dataset(name)
        half = len(whole.classes) // 2
        parts = [
            replace(whole, items=tuple(i for i in whole.items if i.label in classes))
            for classes in (whole.classes[:half], whole.classes[half:])
        ]
        for part in parts:
            bench.store.save(part)
        first = bench.run(parts[0], "last_stages", seed)
        for options in (
            {},
            {"rehearse": 0},
            {"teacher_weight": 0.0},
            {"rehearse": 0, "teacher_weight": 0.0},
        ):
            yield bench.run(parts[1], "continual", seed, start=first["folder"], options=options)


def _without_twins(dataset: Dataset, seed: int) -> Dataset:
    """Without images of the source domain that show what a test image shows: the outlined emoji
    are the emoji themselves, drawn otherwise."""
    _, test = holdout(dataset, 0.2, seed)
    tested = {dataset.labelled[place].name for place in test}
    kept = (i for i in dataset.items if i.role != "source" or i.name not in tested)
    return replace(dataset, items=tuple(kept))


def few_labelled(dataset: Dataset, labels: int, seed: int) -> Dataset:
    """So many labelled images a class to learn from, the same test part as ever, and the other
    images without their labels."""
    train_part, test = holdout(dataset, 0.2, seed)
    items = dataset.labelled
    chance = np.random.default_rng(seed)
    kept: set[int] = set()
    for name in dataset.classes:
        own = [place for place in train_part if items[place].label == name]
        kept |= {int(place) for place in chance.permutation(own)[:labels]}
    tested = set(test)
    parted = [
        replace(item, part="test")
        if place in tested
        else item
        if place in kept
        else replace(item, label=None, role="unlabelled")
        for place, item in enumerate(items)
    ]
    others = [item for item in dataset.items if item.role != "labelled"]
    return replace(dataset, items=(*parted, *others))
