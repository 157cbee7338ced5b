"""`costs`: how long each way to learn would take on this machine, before anything is trained."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.cli.terminal import Terminal
from core.cli.train import STOPPED, stop_signals, until, with_pictures
from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.events import Finished
from core.recipe import Evaluation, Recipe
from core.settings import Settings
from core.strategies import get_strategy, strategies
from core.training.evaluation_mode import usual_evaluation
from core.training.sweep import NONE_YET, candidates


def costs(
    data: Path,
    settings: Settings,
    terminal: Terminal,
    *,
    backbones: Sequence[str],
    ways: Sequence[str],
    evaluation: Evaluation | None,
) -> int:
    """Import `data` and time some pictures and steps of each way; returns the exit code.

    Without `ways` all are timed that need sorted pictures and nothing else; without `evaluation`
    each as `train` evaluates it.
    """
    from core.training.cost_estimate import estimates

    wanted = candidates(
        NONE_YET,
        backbones,
        ways or [*strategies()],
        has={"labelled"},
        evaluation=evaluation or "holdout",
    )
    with stop_signals() as stop:
        recipes = with_pictures(data, wanted, settings, terminal, stop)
        if recipes and evaluation is None:
            recipes = evaluated_as_usual(recipes, Store(settings.home).load(recipes[0].dataset))
        if recipes:
            last = terminal.drain(until(estimates(recipes, settings), stop))
        if not recipes or not isinstance(last, Finished):
            terminal.result({"stopped": True}, "Stopped. What was timed is kept.")
            return STOPPED
    rows = [
        {"backbone": recipe.backbone, "strategy": recipe.strategy, "seconds": seconds}
        for recipe, seconds in zip(recipes, last.result["seconds"], strict=True)
    ]
    terminal.result(rows, "\n".join(_line(row) for row in rows))
    return 0


def evaluated_as_usual(recipes: Sequence[Recipe], dataset: Dataset) -> list[Recipe]:
    """These recipes for a dataset, each judged as `train` judges it unless told otherwise."""
    return [
        recipe.model_copy(
            update={"evaluation": usual_evaluation(dataset, get_strategy(recipe.strategy))}
        )
        for recipe in recipes
    ]


def _line(row: dict[str, Any]) -> str:
    name = f"{row['strategy']} with {row['backbone']}"
    return f"{name}: not possible" if row["seconds"] is None else f"{name}: {row['seconds']:.0f} s"
