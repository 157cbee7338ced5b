"""Which runs of a project may be seen beside each other, and which are worth adding."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from core.evaluation.report import Report
from core.projects.project_runs import RunRow
from core.recipe import Recipe
from core.strategies import strategies

_SHARED = 0.9
"""The fraction of test images two runs must have in common to be compared by their scores."""

ReportOf = Callable[[RunRow], Report | None]


def transfers(run: RunRow) -> bool:
    """Whether it starts from pretrained weights; so does one of a strategy that is gone."""
    known = strategies().get(run.recipe.strategy)
    return known is None or known.transfers


def same_images(run: RunRow, finished: Sequence[RunRow]) -> Iterator[RunRow]:
    """The runs on the same version of the dataset, in their order."""
    return (other for other in finished if other.dataset_id == run.dataset_id)


def scratch_run(run: RunRow, finished: Sequence[RunRow]) -> RunRow | None:
    """The first run trained from scratch on the same images; None also beside such a run."""
    if not transfers(run):
        return None
    return next((other for other in same_images(run, finished) if not transfers(other)), None)


def scratch_recipe(run: RunRow) -> Recipe:
    """What would show whether transfer helps: the same images, trained from scratch."""
    name = next(name for name, known in strategies().items() if not known.transfers)
    nothing_taken_over: dict[str, Any] = {"strategy": name, "options": {}, "start": ""}
    alike: dict[str, Any] = {"teacher": "", "evaluation": "holdout"}
    return run.recipe.model_copy(update=nothing_taken_over | alike)


def single_task_run(
    run: RunRow, task: str, tasks: Sequence[str], finished: Sequence[RunRow]
) -> RunRow | None:
    """The first run on the same images that learned this task and no other."""
    wanted = single_task_recipe(run, task, tasks)
    if wanted is None:
        return None

    def learned_alone(recipe: Recipe) -> bool:
        alike = recipe.strategy == wanted.strategy and _weights(recipe) == _weights(wanted)
        return recipe.task == task or alike

    return next(
        (other for other in same_images(run, finished) if learned_alone(other.recipe)), None
    )


def single_task_recipe(run: RunRow, task: str, tasks: Sequence[str]) -> Recipe | None:
    """The same run with every other task left to its linear probe.

    None where this one was, or where there is only one task. `tasks` are all that it answers.
    """
    others = {other: 0.0 for other in tasks if other not in ("", task)}
    weights = _weights(run.recipe)
    if not others or weights.get(task) == 0 or weights == others:
        return None
    return run.recipe.model_copy(update={"options": {**run.recipe.options, "weights": others}})


def tested_alike(run: RunRow, finished: Sequence[RunRow], report_of: ReportOf) -> list[RunRow]:
    """The runs for the same task that were tested on much the same images, in their order."""
    images = {other.id: _test_images(report_of(other)) for other in same_images(run, finished)}
    own = images.get(run.id, set())
    return [
        other
        for other in finished
        if (theirs := images.get(other.id))
        and len(own & theirs) >= _SHARED * min(len(own), len(theirs))
        and other.recipe.task == run.recipe.task
    ]


def _weights(recipe: Recipe) -> dict[str, float]:
    return dict(recipe.options.get("weights", {}))


def _test_images(report: Report | None) -> set[str]:
    return {row.image for row in report.predictions} if report else set()
