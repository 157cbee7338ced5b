"""What else a project has that a run is to be seen beside."""

from collections.abc import Iterator

from core.errors import NotFound
from core.evaluation.baselines import Kind
from core.evaluation.predictions import Predictions
from core.evaluation.report import Report
from core.projects import get_run, runs
from core.strategies import strategies


def beside(run_id: str) -> list[tuple[Kind, Predictions]]:
    """Predictions of the project's first model, and of the newest run that learned from nothing,
    on the same images as this run."""
    found: dict[Kind, Predictions] = {}
    for kind, predictions in _candidates(run_id):
        found.setdefault(kind, predictions)
    return list(found.items())


def _candidates(run_id: str) -> Iterator[tuple[Kind, Predictions]]:
    own = get_run(run_id)
    for other in runs(own.project_id):
        if other.id == run_id or other.dataset_id != own.dataset_id:
            continue
        strategy = strategies().get(other.recipe.strategy)
        scratch = strategy is not None and not strategy.transfers
        if not scratch and other.origin != "automatic":
            continue
        try:
            yield "scratch" if scratch else "first", Report.load(other.folder).predictions
        except NotFound:
            continue
