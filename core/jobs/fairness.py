"""Whose turn it is: the jobs of one person do not keep those of another waiting, and where nobody
signs in, those of one project not those of another."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from core.errors import GraftError
from core.jobs.folder import is_run
from core.jobs.spec import JobSpec
from core.projects.database import ProjectDatasetRow, RunEntry, session
from core.settings import Settings

if TYPE_CHECKING:
    from dbos import DBOSClient

NO_PROJECT = "none"


def share_of(folder: Path, spec: JobSpec, settings: Settings) -> str:
    """Whose share of the machine a job takes: that of the person who handed it in; of what the
    machine does by itself, and where nobody signs in, the project's."""
    return spec.person or project_of(folder, spec.args, settings)


def project_of(folder: Path, args: dict[str, Any], settings: Settings) -> str:
    """The project that a job works for; NO_PROJECT where that is not known."""
    if project := args.get("project"):
        return str(project)
    try:
        return _looked_up(run_of(folder, args), dataset_of(args), settings) or NO_PROJECT
    except GraftError:  # whose turn it is is not worth a job
        return NO_PROJECT


def run_of(folder: Path, args: Mapping[str, Any]) -> str:
    """The run that a job is, or works on; empty for none."""
    if is_run(folder):
        return folder.name
    return str(args.get("run") or next(iter(str(args.get("runs", "")).split()), ""))


def dataset_of(args: Mapping[str, Any]) -> str:
    """The dataset version that a job works on; empty for none."""
    recipe = args.get("recipe") or next(iter(args.get("recipes") or ()), None)
    return str(args.get("dataset") or (recipe.get("dataset", "") if recipe else ""))


def _looked_up(run: str, dataset: str, settings: Settings) -> str | None:
    if not run and not dataset:
        return None
    query = select(RunEntry.project_id).where(RunEntry.id == run)
    if not run:
        query = (
            select(ProjectDatasetRow.project_id)
            .where(ProjectDatasetRow.dataset_id == dataset)
            .order_by(ProjectDatasetRow.chosen_at.desc())
            .limit(1)
        )
    with session(settings) as opened:
        return opened.scalar(query)


def turn(client: "DBOSClient", queue: str, share: str) -> int:
    """The place in the order of a queue for one more job of this share, counted from 1.

    Start-time fair queueing (Goyal, Vin and Cheng, 1996) with jobs of equal weight: the next job
    of a person (or a project) stands one behind the last one, and never before the one that is
    under way. So they alternate, however many jobs each has handed in, and none waits for ever.
    """
    entries = client.list_workflows(
        queue_name=queue,
        status=["ENQUEUED", "DELAYED", "PENDING"],
        load_input=False,
        load_output=False,
    )
    turns = [(entry.priority or 1, entry.queue_partition_key) for entry in entries]
    now = min((each for each, _ in turns), default=1)
    own = max((each for each, whose in turns if whose == share), default=0)
    return max(now, own + 1)
