"""The run that nobody has to ask for: a linear probe, the first score of a version."""

from filelock import FileLock

from core.backbones.catalogue import DEFAULT
from core.dataset.manifest import Dataset
from core.jobs.queue import submit
from core.projects import create_run, run_folder, runs
from core.recipe import Recipe
from core.settings import get_settings
from core.strategies import get_strategy
from core.training.evaluation_mode import usual_evaluation

_STRATEGY = "feature_extraction"


def first_run(project: str, dataset: Dataset) -> str:
    """The id of the oldest run on this version; where there is none, one is submitted."""
    with FileLock(get_settings().home / "first-run.lock"):  # two imports may end at once
        known = [run.id for run in runs(project) if run.dataset_id == dataset.id]
        run = known[-1] if known else _created(project, dataset)
    submit("train", run_folder(run))
    return run


def _created(project: str, dataset: Dataset) -> str:
    evaluation = usual_evaluation(dataset, get_strategy(_STRATEGY))
    recipe = Recipe(dataset=dataset.id, backbone=DEFAULT, strategy=_STRATEGY, evaluation=evaluation)
    return create_run(project, recipe, "First model", origin="automatic")
