"""Hand in a job, stop it, let it go on, ask how it is doing. Works from any process.

The queue (DBOS) knows what waits and what was begun; the job's folder knows everything else.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.access import Action, acting, note, require_somebody
from core.errors import NotFound
from core.events import Event, Failed, Finished, Stopped
from core.jobs import log
from core.jobs.engine import QUICK, VERSION, WAITING, WORKFLOW, queue_name, reached
from core.jobs.fairness import share_of, turn
from core.jobs.folder import (
    ask_to_stop,
    asked_to_stop,
    begin_anew,
    job_path,
    name_of,
    possible_paths,
    spec_file,
)
from core.jobs.kinds import get_kind, kinds
from core.jobs.lock import is_worked_on, worker_alive
from core.jobs.permission import may_read, require_job, require_to_submit
from core.jobs.quotas import require_room
from core.jobs.sharing import publish_job, refresh
from core.jobs.spec import JobSpec
from core.jobs.status import JobStatus, State, describe
from core.jobs.summary import summary
from core.projects import checked_id
from core.settings import Settings, get_settings
from core.storage import storage


def new_job() -> Path:
    """A fresh folder for a job that is not a run. Raises NotAllowed for nobody known."""
    require_somebody()
    folder = job_path(get_settings().home, secrets.token_hex(8))
    folder.mkdir(parents=True)
    return folder


def job_folder(job_id: str) -> Path:
    """Where a job lives, be it a run or not. Raises NotFound, also to who may not look."""
    paths = possible_paths(get_settings().home, checked_id(job_id))
    for path in paths:
        refresh(path)
    folder = next((path for path in paths if path.is_dir()), None)
    if folder is None or not may_read(folder):
        raise NotFound("This job no longer exists.")
    return folder


def submit(kind: str, folder: Path, args: Mapping[str, Any] | None = None) -> None:
    """Put a job into the queue. A folder that was submitted already is not submitted again.

    `folder` is `new_job()` or, for "train", `run_folder(id)`; `args` are those of the kind, see
    `core.jobs.kinds`. Raises GraftError, with nothing written, when they are wrong or it is none,
    and NotFound or NotAllowed where the actor may not have this done (core.jobs.permission).
    """
    if spec_file(folder).exists():
        require_job(_action_of(JobSpec.read(folder)), folder)
    else:
        known = get_kind(kind)
        content = known.checked(args or {}).model_dump(mode="json", exclude_unset=True)
        project = require_to_submit(known, folder, content)
        hand_in(kind, folder, content, project)
    enqueue(folder, JobSpec.read(folder))


def hand_in(kind: str, folder: Path, content: dict[str, Any], project: str) -> None:
    """Write down what the job is to do and who wants it. The caller has seen to it that she may.

    Raises NotAllowed where that would be more than her share of the server.
    """
    if person := acting().id:
        settings = get_settings()
        with reached(settings) as client:
            require_room(client, person, kind, content, settings)
    JobSpec(kind, content, person=person).write(folder)
    publish_job(folder)
    note("started job", project, f"{kind} {folder.name}")


def enqueue(folder: Path, spec: JobSpec) -> None:
    """Put the present attempt of a job into the queue of its home."""
    settings = get_settings()
    queue, share = _queue_of(spec), share_of(folder, spec, settings)
    with reached(settings) as client:
        # One id an attempt: to enqueue it twice, also from two browsers at once, is to enqueue it
        # once.
        client.enqueue(
            {
                "workflow_name": WORKFLOW,
                "queue_name": queue,
                "workflow_id": spec.queue_id(folder),
                "app_version": VERSION,
                "queue_partition_key": share,
                "priority": turn(client, queue, share),
            },
            name_of(folder),
        )


def hand_back(settings: Settings, queue_id: str, *, again: bool) -> None:
    """Let go of a job that was begun: back into the queue, or out of it, to be resumed by hand."""
    with reached(settings) as client:
        known = client.list_workflows(workflow_ids=[queue_id], load_input=False, load_output=False)
        if again and known and known[0].queue_name:
            client.resume_workflow(queue_id, queue_name=known[0].queue_name)
        else:
            client.cancel_workflow(queue_id)


def _action_of(spec: JobSpec) -> Action:
    """What one must be allowed to do with a job; of a kind that there is not, the strictest."""
    known = kinds().get(spec.kind)
    return known.action if known else "manage"


def _queue_of(spec: JobSpec) -> str:
    known = kinds().get(spec.kind)  # of a kind that there is not, the job itself says so
    return queue_name(known.queue if known else QUICK, get_settings().home)


def stop(folder: Path) -> None:
    """Ask a job to end in good order; one that still waits leaves the queue at once."""
    refresh(folder)
    spec = JobSpec.read(folder)
    require_job(_action_of(spec), folder)
    with summary(folder) as known:
        if known.last_word(spec.since) is not None:
            return
    ask_to_stop(folder)
    waits = _queue_state(folder, spec) in WAITING
    if waits or not worker_alive(get_settings().home):
        with reached(get_settings()) as client:
            client.cancel_workflow(spec.queue_id(folder))


def resume(folder: Path) -> None:
    """Let a stopped or failed job go on from its checkpoint. Any other is left as it is."""
    require_job(_action_of(JobSpec.read(folder)), folder)
    if status(folder).state not in ("stopped", "failed"):
        return
    spec = JobSpec.read(folder).next_attempt(log.size(folder))
    spec.write(folder)
    begin_anew(folder)
    storage().publish([spec_file(folder)])
    enqueue(folder, spec)


def read_events(folder: Path, offset: int = 0) -> tuple[list[Event], int]:
    """The job's events from a byte offset on, and the offset to read on from."""
    refresh(folder)
    return log.read_events(folder, offset)


def status(folder: Path) -> JobStatus:
    """How the job is doing now. Raises NotFound when the folder does not exist."""
    refresh(folder)
    if not folder.is_dir():
        raise NotFound("This job no longer exists.")
    try:
        spec = JobSpec.read(folder)
    except NotFound:
        spec = JobSpec("")
    with summary(folder) as known:
        last = known.last_word(spec.since)
        if last is not None:
            return describe(known, _ending(last), spec.kind)
    # The queue first, the events after it: a job that ends in between is then seen as ended.
    in_queue = _queue_state(folder, spec) if spec.kind else None
    alive = worker_alive(get_settings().home)
    state = _unended(folder, in_queue, alive)
    place = _place(folder, spec) if state == "queued" else None
    with summary(folder) as known:
        last = known.last_word(spec.since)
        return describe(known, _ending(last) if last else state, spec.kind, place, alive)


def _ending(last: Finished | Failed | Stopped) -> State:
    match last:
        case Finished():
            return "finished"
        case Failed():
            return "failed"
        case Stopped():
            return "stopped"


def _unended(folder: Path, in_queue: str | None, alive: bool) -> State:
    """The state of a job without a last word."""
    if in_queue in WAITING:
        return "queued"
    if in_queue == "PENDING":
        if not alive:
            return "interrupted"
        return "stopping" if asked_to_stop(folder) else "running"
    if is_worked_on(folder):  # from the command line, or the last moments of a stopped job
        return "stopping" if asked_to_stop(folder) else "running"
    return "failed" if in_queue in ("ERROR", "SUCCESS") else "stopped"


def _queue_state(folder: Path, spec: JobSpec) -> str | None:
    """What the queue says: ENQUEUED, PENDING, SUCCESS, ERROR, CANCELLED; None: never heard of."""
    with reached(get_settings()) as client:
        found = client.list_workflows(
            workflow_ids=[spec.queue_id(folder)], load_input=False, load_output=False
        )
    return str(found[0].status) if found else None


def _place(folder: Path, spec: JobSpec) -> int | None:
    with reached(get_settings()) as client:
        waiting = client.list_workflows(
            queue_name=_queue_of(spec),
            status=list(WAITING),
            load_input=False,
            load_output=False,
        )
    waiting.sort(key=lambda entry: entry.priority or 0)  # stable: equal ones as they came
    order = [entry.workflow_id for entry in waiting]
    mine = spec.queue_id(folder)
    return order.index(mine) + 1 if mine in order else None
