"""Several backbones and ways to learn on the same images, and which of the results to keep."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core import strategies as registry
from core.backbones.catalogue import get_backbone
from core.evaluation.metrics import in_words
from core.evaluation.model_selection import Candidate, Choice, choose
from core.evaluation.predictions import Predictions
from core.evaluation.significance import Pair, pairs
from core.events import Event, Finished, Progress
from core.model import WEIGHTS, Model, model_folder
from core.recipe import Evaluation, Recipe
from core.settings import Settings
from core.transfer.strategy import lacking

NONE_YET = "0" * 16
"""For a dataset, so that names can be checked before any image is looked at."""
_TIMED = 8
"""Images that are answered at once to time an answer."""


def candidates(
    dataset: str,
    backbones: Sequence[str],
    strategies: Sequence[str],
    *,
    has: Collection[str],
    evaluation: Evaluation,
    seed: int = 0,
    holdout: float = 0.2,
) -> list[Recipe]:
    """A recipe for each backbone with each strategy that fits it and has its data; all are
    tested on the same images. `has` as for `core.transfer.strategy.lacking`."""
    known = {name: registry.get_strategy(name) for name in strategies}
    return [
        Recipe(dataset=dataset, backbone=backbone, strategy=strategy, evaluation=evaluation,
               seed=seed, holdout=holdout)
        for backbone in backbones
        for strategy in strategies
        if not lacking(known[strategy], has=has, family=get_backbone(backbone).family)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class SweepRun:
    """A finished run among others."""

    name: str
    recipe: Recipe
    predictions: Predictions
    megabytes: float
    """Of its weights: see `megabytes`."""

    @property
    def cost(self) -> tuple[float, float]:
        """The weights that each answer needs, then how much of the network was trained."""
        known = registry.strategies().get(self.recipe.strategy)
        return self.megabytes, known.rank if known else float("inf")


def megabytes(run: Path) -> float:
    """How large the weights of a run's model are; infinite where they are gone."""
    try:
        return round((model_folder(run) / WEIGHTS).stat().st_size / 1e6, 1)
    except FileNotFoundError:
        return float("inf")


def keep(runs: Sequence[SweepRun]) -> Choice:
    """Which of them to keep: see `core.evaluation.model_selection.choose`."""
    return choose([Candidate(run.name, run.predictions, run.cost) for run in runs])


def why_kept(runs: Sequence[SweepRun], choice: Choice, names: Sequence[str]) -> str:
    """Why this one is to be kept and what to expect of it, as sentences; names in their order."""
    why = (
        "It is the best, and no simpler one comes within one standard error."
        if choice.best == choice.chosen
        else f"It is the simplest within one standard error of the best ({names[choice.best]}, "
        f"{100 * choice.accuracy[choice.best]:.0f} %)."
    )
    only = ""
    if any(len(run.predictions) > choice.n for run in runs):
        only = " Only these images are compared, though some runs were tested on more."
    return (
        f"{why} On the {choice.n:,} images that all were tested on, it is "
        f"{100 * choice.accuracy[choice.chosen]:.0f} % correct.{only} The best of several always "
        f"looks a little better than it is: {_expected(choice)} "
        f"(likely {in_words(choice.honest_interval)})."
    )


def _expected(choice: Choice) -> str:
    """What is left without luck, which never makes it better."""
    said, expected = (round(100 * s) for s in (choice.accuracy[choice.chosen], choice.honest))
    return f"expect about {expected} %" if expected < said else "here that makes no difference"


def beside_kept(
    runs: Sequence[SweepRun], choice: Choice, names: Sequence[str]
) -> list[tuple[SweepRun, Pair]]:
    """Each of the others with what comes out image by image: the one to keep comes first."""
    named = [(name, run.predictions) for name, run in zip(names, runs, strict=True)]
    others = [run for place, run in enumerate(runs) if place != choice.chosen]
    return list(zip(others, pairs(named, reference=choice.chosen), strict=True))


def not_proven(runs: Sequence[SweepRun], choice: Choice, names: Sequence[str]) -> str:
    """A sentence on the simplest run that these images cannot tell from the one to keep, where
    that one is less simple; else nothing."""
    own = runs[choice.chosen].cost
    simpler = [
        (other.cost, pair.second, pair.comparison.p)
        for other, pair in beside_kept(runs, choice, names)
        if other.cost < own and pair.comparison and not pair.comparison.differs
    ]
    if not simpler:
        return ""
    _, name, p = min(simpler)
    return f"It is not proven to be better than {name}, which is simpler (p = {p:.2f})."


def answer_times(models: Mapping[str, Path], settings: Settings) -> Iterator[Event]:
    """Time an answer of each model on this machine; `models` are run folders by a name.

    Ends with Finished(result={"milliseconds": {name: per image, without decoding it}}). Models of
    one architecture and input size are timed once.
    """
    from core.devices import device_of

    began, known = time.monotonic(), dict[tuple[Any, ...], float]()
    found, device = {}, device_of(settings)
    for place, (name, folder) in enumerate(models.items()):
        yield Progress("Timing predictions", place, len(models))
        model = Model.load(model_folder(folder), device=device)
        kind = (model.description.backbone, model.preprocessing.size)
        if kind not in known:
            known[kind] = _answer_time(model)
        found[name] = round(known[kind], 2)
    yield Finished(round(time.monotonic() - began, 2), {"milliseconds": found})


def answer_times_of(result: Mapping[str, Any]) -> dict[str, float]:
    """Milliseconds by name, from the result of `answer_times`."""
    return {str(name): float(value) for name, value in result["milliseconds"].items()}


def _answer_time(model: Model) -> float:
    """Milliseconds an image, the best of three after one that warms up."""
    side, channels = model.preprocessing.size, model.preprocessing.form.channels
    kind = np.uint16 if model.preprocessing.form.bits == 16 else np.uint8
    pixels = np.zeros((_TIMED, channels, side, side), kind)
    took = []
    for _ in range(4):
        began = time.monotonic()
        model.forward(pixels)
        took.append(time.monotonic() - began)
    return 1000 * min(took[1:]) / _TIMED
