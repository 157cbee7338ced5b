"""`costs`: how long each strategy would take on this machine, before anything is trained."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.cli._command import (
    STOPPED,
    Command,
    add_data,
    add_evaluation,
    evaluation_of,
    separated,
)
from core.cli._importing import stop_signals, until, with_images
from core.cli._terminal import Terminal
from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.events import Finished
from core.recipe import Evaluation, Recipe
from core.settings import Settings
from core.strategies import get_strategy
from core.strategies import strategies as known
from core.training.evaluation_mode import usual_evaluation
from core.training.sweep import NONE_YET, candidates


def _add_arguments(parser: ArgumentParser) -> None:
    from core.backbones.catalogue import DEFAULT

    add_data(parser)
    parser.add_argument(
        "--backbones", default=DEFAULT, metavar="B[,B]", help="networks; default: %(default)s"
    )
    parser.add_argument(
        "--strategies",
        metavar="S[,S]",
        help="default: all that need only labelled images",
    )
    add_evaluation(parser, "cross-validation for small sets that train in seconds")


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    return costs(
        chosen.data,
        settings,
        terminal,
        backbones=separated(chosen.backbones),
        strategies=separated(chosen.strategies),
        evaluation=evaluation_of(chosen),
    )


def costs(
    data: Path,
    settings: Settings,
    terminal: Terminal,
    *,
    backbones: Sequence[str],
    strategies: Sequence[str],
    evaluation: Evaluation | None,
) -> int:
    """Import `data` and time some images and steps of each strategy; returns the exit code.

    Without `strategies` all are timed that need labelled images and nothing else; without
    `evaluation` each is evaluated as `train` does.
    """
    from core.training.cost_estimate import estimates

    wanted = candidates(
        NONE_YET,
        backbones,
        strategies or [*known()],
        has={"labelled"},
        evaluation=evaluation or "holdout",
    )
    with stop_signals() as stop:
        recipes = with_images(data, wanted, settings, terminal, stop)
        if recipes and evaluation is None:
            recipes = evaluated_as_usual(recipes, Store(settings.home).load(recipes[0].dataset))
        if recipes:
            last = terminal.drain(until(estimates(recipes, settings), stop))
        if not recipes or not isinstance(last, Finished):
            terminal.result({"stopped": True}, "Stopped. Timings so far are kept.")
            return STOPPED
    rows = [
        {"backbone": recipe.backbone, "strategy": recipe.strategy, "seconds": seconds}
        for recipe, seconds in zip(recipes, last.result["seconds"], strict=True)
    ]
    terminal.result(rows, "\n".join(_line(row) for row in rows))
    return 0


def evaluated_as_usual(recipes: Sequence[Recipe], dataset: Dataset) -> list[Recipe]:
    """These recipes for a dataset, each evaluated as `train` does unless told otherwise."""
    return [
        recipe.model_copy(
            update={"evaluation": usual_evaluation(dataset, get_strategy(recipe.strategy))}
        )
        for recipe in recipes
    ]


def _line(row: dict[str, Any]) -> str:
    name = f"{row['strategy']} with {row['backbone']}"
    return f"{name}: not possible" if row["seconds"] is None else f"{name}: {row['seconds']:.0f} s"


COMMAND = Command(
    "estimate how long each strategy takes on this machine",
    ("costs images", "costs images --strategies feature_extraction,full"),
    _run,
    _add_arguments,
    order=23,
)
