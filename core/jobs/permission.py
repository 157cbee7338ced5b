"""Who may read a job, stop it or hand it in: what its project says about the actor.

A folder is proof that somebody looked: `core.jobs.job_folder`, `recent_jobs` and the runs of
`core.projects` give only those that the actor may look at. So whoever reads on in one, and asks for
its status again and again, is not asked who she is again.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import select

from core.access import Action, acting, may, require, require_somebody
from core.errors import GraftError, NotAllowed, NotFound
from core.jobs.fairness import NO_PROJECT, dataset_of, project_of, run_of
from core.jobs.folder import is_run, job_folders, job_path
from core.jobs.kinds import JobKind
from core.jobs.spec import JobSpec
from core.jobs.upload_ids import is_issued
from core.projects import may_use_dataset, require_run
from core.projects.database import ProjectDatasetRow, session
from core.projects.images import require_image
from core.settings import get_settings

_GONE = "This job no longer exists."


def require_job(action: Action, folder: Path) -> None:
    """Raises NotFound where the actor may not look at the job in this folder, NotAllowed where only
    this is refused."""
    if acting().machine:
        return
    if is_run(folder):
        require_run(action, folder.name)
        return
    spec = JobSpec.read(folder)
    projects = _projects_of(folder, spec.args)
    if may_in_one(action, projects) or (not projects and _is_own(spec)):
        return
    if may_in_one("look", projects):
        require(action, next(each for each in projects if may(acting(), "look", each)))
    raise NotFound(_GONE)


def may_read(folder: Path) -> bool:
    """Whether the actor may look at the job in this folder."""
    try:
        require_job("look", folder)
    except GraftError:
        return False
    return True


def may_in_one(action: Action, projects: tuple[str, ...]) -> bool:
    """Whether the actor may do this in one of these projects."""
    return any(may(acting(), action, each) for each in projects)


def require_to_submit(kind: JobKind[Any], folder: Path, args: Mapping[str, Any]) -> str:
    """Raises NotFound, or NotAllowed, unless the actor may have this done and all that the job is
    to work on is hers to see. Gives the project that it is noted under; empty for none."""
    if acting().machine:
        return ""
    require_somebody()
    if is_run(folder):
        return require_run(kind.action, folder.name)
    named = str(args.get("project") or "")
    if named:
        require(kind.action, named)
    runs = list(_runs(args))
    projects = [require_run(kind.action, run) for run in runs]
    for recipe in _recipes(args):
        for run in (recipe.get("start"), recipe.get("teacher")):
            if run:
                require_run("look", str(run))
    within = [*([named] if named else []), *projects]
    for dataset in _datasets(args):
        _require_dataset(kind.action, dataset, within)
    _require_files(args, within)
    if within:
        return within[0]
    return next((each for each in _projects_of(folder, args) if may(acting(), "look", each)), "")


def _require_dataset(action: Action, dataset: str, within: list[str]) -> None:
    if within:
        if not any(may_use_dataset(dataset, project) for project in within):
            raise NotFound("These images are not in this project. Choose a version from the list.")
        return
    holding = _holding(dataset)
    if may_in_one(action, holding):
        return
    for each in holding:
        if may(acting(), "look", each):
            require(action, each)
    raise NotFound("These images no longer exist. Choose a version from the list.")


def _require_files(args: Mapping[str, Any], within: list[str]) -> None:
    """What a job reads that is neither a dataset nor a run."""
    if args.get("files"):
        raise NotAllowed("Upload the images that you want to ask about.")
    home = get_settings().home
    if answers := args.get("answers"):
        require_job("look", job_path(home, str(answers)))
    if (upload := args.get("upload")) and not is_issued(home, str(upload)):
        raise NotFound("The uploaded files are no longer there. Upload them again.")
    if image := args.get("image"):
        require_image(within[0] if within else "", str(image))
    if file := args.get("file"):
        _require_file(Path(str(file)), home)


def _require_file(file: Path, home: Path) -> None:
    """A file that was asked about: of the actor's upload, or in or beside a job that she may look
    at."""
    with suppress(ValueError, OSError):
        room, name, *_ = file.resolve().relative_to(home.resolve()).parts
        if room == "jobs" and may_read(job_path(home, name)):
            return
        if room == "uploads" and (is_issued(home, name) or _is_asked_about(name, home)):
            return
    raise NotFound("This image is no longer there. Upload it again.")


def _is_asked_about(upload: str, home: Path) -> bool:
    """Whether a job that the actor may look at is about this upload."""
    for folder in job_folders(home):
        with suppress(NotFound):
            if JobSpec.read(folder).args.get("upload") == upload and may_read(folder):
                return True
    return False


def _projects_of(folder: Path, args: Mapping[str, Any]) -> tuple[str, ...]:
    """The projects whose people may look at a job: the one that it works for; where it is only
    about images, each that has them, since what comes of it is the same for all."""
    if not args.get("project") and not run_of(folder, args) and (dataset := dataset_of(args)):
        return _holding(dataset)
    found = project_of(folder, dict(args), get_settings())
    return () if found == NO_PROJECT else (found,)


def _holding(dataset: str) -> tuple[str, ...]:
    query = select(ProjectDatasetRow.project_id).filter_by(dataset_id=dataset)
    with session(get_settings()) as opened:
        return tuple(opened.scalars(query))


def _is_own(spec: JobSpec) -> bool:
    """Whether a job of no project was handed in by the actor."""
    actor = acting()
    return actor.actions is None and (actor.admin or (actor.id != "" and actor.id == spec.person))


def _runs(args: Mapping[str, Any]) -> Iterator[str]:
    if run := args.get("run"):
        yield str(run)
    yield from str(args.get("runs") or "").split()


def _recipes(args: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if recipe := args.get("recipe"):
        yield recipe
    yield from args.get("recipes") or ()


def _datasets(args: Mapping[str, Any]) -> Iterator[str]:
    for name in ("dataset", "add_to"):
        if dataset := args.get(name):
            yield str(dataset)
    yield from (str(recipe["dataset"]) for recipe in _recipes(args) if recipe.get("dataset"))
