"""Hand in a job, stop it, let it go on, ask how it is doing. Works from any process.

The queue (DBOS) knows what waits and what was begun; the job's folder knows everything else.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock

from core.errors import NotFound
from core.events import Event, Failed, Finished, Stopped
from core.faults import translated
from core.jobs import log
from core.jobs.fairness import project_of, turn
from core.jobs.home import claim, home_id
from core.jobs.lock import is_held, job_lock, worker_alive
from core.jobs.spec import JobCard
from core.jobs.status import JobStatus, State, describe
from core.jobs.summary import digest
from core.projects import checked_id, run_folder
from core.settings import Settings, get_settings

if TYPE_CHECKING:
    from dbos import DBOSClient

Kind = Literal[
    "import",
    "train",
    "estimate",
    "costs",
    "variations",
    "check",
    "map",
    "propose",
    "rank",
    "outlook",
    "explain",
    "report",
    "robustness",
    "answer-times",
    "predict",
    "export",
    "export-dataset",
]

APPLICATION = "graft"
VERSION = "1"
"""Pinned, so that an update of the program goes on with the jobs of the one before."""
WORKFLOW = "job"
TRAINING, QUICK = "training", "quick"
_POLL_SECONDS = 0.1
_QUICK_AT_ONCE = 3
_QUICK_OF_A_PROJECT = 2
"""Less than all, so that one project's quick jobs always leave room for another's."""
_WAITING = ("ENQUEUED", "DELAYED")


@lru_cache(maxsize=8)
def _client(settings: Settings) -> "DBOSClient":
    # JSON instead of DBOS's pickles: what lies in a database is never run.
    from dbos import DBOSClient, DBOSPortableJSONSerializer

    claim(settings)
    url = settings.jobs_url
    _migrate_tables(url, settings.home)
    client = DBOSClient(
        system_database_url=url,
        serializer=DBOSPortableJSONSerializer(),
        application_name=APPLICATION,
        retry_connection_errors=False,  # a page must say so, not hang, when the database is away
    )
    training, quick = (queue_name(which, settings.home) for which in (TRAINING, QUICK))
    client.register_queue(training, worker_concurrency=1, polling_interval_sec=_POLL_SECONDS)
    client.register_queue(
        quick,
        worker_concurrency=_QUICK_AT_ONCE,
        partition_worker_concurrency=_QUICK_OF_A_PROJECT,
        polling_interval_sec=_POLL_SECONDS,
    )
    return client


def open_queue(settings: Settings) -> "DBOSClient":
    """The queue, with its tables made or brought up to date: whoever comes first does that.

    "training" runs one job at a time, since a training takes the whole machine; "quick" runs what
    somebody waits for in front of the screen. Raises GraftError when the database belongs to
    another home or does not answer.
    """
    with translated(settings, settings.jobs_url):
        return _client(settings)


def queue_name(which: str, home: Path) -> str:
    """What TRAINING or QUICK of this home is called."""
    return f"{which}-{home_id(home)}"


@contextmanager
def _reached(settings: Settings) -> Iterator["DBOSClient"]:
    """The queue for one call or a few. Raises GraftError when it cannot be asked."""
    with translated(settings, settings.jobs_url):
        yield _client(settings)


def _migrate_tables(url: str, home: Path) -> None:
    from dbos import DBOS
    from sqlalchemy import create_engine, text

    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / "migrate.lock"):
        DBOS.migrate(url)
        if url.startswith("sqlite"):
            # Kept in the file itself: pages read the queue while the worker writes.
            engine = create_engine(url)
            with engine.connect() as connection:
                connection.execute(text("PRAGMA journal_mode = WAL"))
            engine.dispose()


def new_job() -> Path:
    """A fresh folder for a job that is not a run."""
    folder = get_settings().home / "jobs" / secrets.token_hex(8)
    folder.mkdir(parents=True)
    return folder


def job_folder(job_id: str) -> Path:
    """Where a job lives, be it a run or not. Raises NotFound."""
    run = run_folder(job_id)
    folder = run if run.is_dir() else get_settings().home / "jobs" / checked_id(job_id)
    if not folder.is_dir():
        raise NotFound("This job does not exist (any more).")
    return folder


def submit(kind: Kind, folder: Path, args: Mapping[str, Any] | None = None) -> None:
    """Put a job into the queue. A folder that was submitted already is not submitted again.

    `folder` is `new_job()` or, for "train", `run_folder(id)`; `args` go into job.json.
    """
    if not (folder / "job.json").exists():
        JobCard(kind, dict(args or {})).write(folder)
    enqueue(folder, JobCard.read(folder))


def enqueue(folder: Path, card: JobCard) -> None:
    """Put the present attempt of a job into the queue of its home."""
    settings = get_settings()
    queue, project = _queue_of(card), project_of(folder, card.args, settings)
    with _reached(settings) as client:
        # One id an attempt: to enqueue it twice, also from two browsers at once, is to enqueue it
        # once.
        client.enqueue(
            {
                "workflow_name": WORKFLOW,
                "queue_name": queue,
                "workflow_id": card.queue_id(folder),
                "app_version": VERSION,
                "queue_partition_key": project,
                "priority": turn(client, queue, project),
            },
            f"{folder.parent.name}/{folder.name}",
        )


def hand_back(settings: Settings, queue_id: str, *, again: bool) -> None:
    """Let go of a job that was begun: back into the queue, or out of it, to be resumed by hand."""
    with _reached(settings) as client:
        known = client.list_workflows(workflow_ids=[queue_id], load_input=False, load_output=False)
        if again and known and known[0].queue_name:
            client.resume_workflow(queue_id, queue_name=known[0].queue_name)
        else:
            client.cancel_workflow(queue_id)


def _queue_of(card: JobCard) -> str:
    return queue_name(TRAINING if card.kind == "train" else QUICK, get_settings().home)


def stop(folder: Path) -> None:
    """Ask a job to end in good order; one that still waits leaves the queue at once."""
    card = JobCard.read(folder)
    with digest(folder) as known:
        if known.last_word(card.since) is not None:
            return
    (folder / "stop").touch()
    waits = _queue_state(folder, card) in _WAITING
    if waits or not worker_alive(get_settings().home):
        with _reached(get_settings()) as client:
            client.cancel_workflow(card.queue_id(folder))


def resume(folder: Path) -> None:
    """Let a stopped or failed job go on from its checkpoint. Any other is left as it is."""
    if status(folder).state not in ("stopped", "failed"):
        return
    known = JobCard.read(folder)
    card = JobCard(known.kind, known.args, known.attempt + 1, log.size(folder))
    card.write(folder)
    (folder / "stop").unlink(missing_ok=True)
    (folder / "starts").unlink(missing_ok=True)
    enqueue(folder, card)


def read_events(folder: Path, offset: int = 0) -> tuple[list[Event], int]:
    """The job's events from a byte offset on, and the offset to read on from."""
    return log.read_events(folder, offset)


def status(folder: Path) -> JobStatus:
    """How the job is doing now. Raises NotFound when the folder does not exist."""
    if not folder.is_dir():
        raise NotFound("This job does not exist (any more).")
    try:
        card = JobCard.read(folder)
    except NotFound:
        card = JobCard("")
    with digest(folder) as known:
        last = known.last_word(card.since)
        if last is not None:
            return describe(known, _ending(last), card.kind)
    # The queue first, the events after it: a job that ends in between is then seen as ended.
    in_queue = _queue_state(folder, card) if card.kind else None
    alive = worker_alive(get_settings().home)
    state = _unended(folder, in_queue, alive)
    place = _place(folder, card) if state == "queued" else None
    with digest(folder) as known:
        last = known.last_word(card.since)
        return describe(known, _ending(last) if last else state, card.kind, place, alive)


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
    if in_queue in _WAITING:
        return "queued"
    if in_queue == "PENDING":
        if not alive:
            return "interrupted"
        return "stopping" if (folder / "stop").exists() else "running"
    if is_held(job_lock(folder)):  # from the command line, or the last moments of a stopped job
        return "stopping" if (folder / "stop").exists() else "running"
    return "failed" if in_queue in ("ERROR", "SUCCESS") else "stopped"


def _queue_state(folder: Path, card: JobCard) -> str | None:
    """What the queue says: ENQUEUED, PENDING, SUCCESS, ERROR, CANCELLED; None: never heard of."""
    with _reached(get_settings()) as client:
        found = client.list_workflows(
            workflow_ids=[card.queue_id(folder)], load_input=False, load_output=False
        )
    return str(found[0].status) if found else None


def _place(folder: Path, card: JobCard) -> int | None:
    with _reached(get_settings()) as client:
        waiting = client.list_workflows(
            queue_name=_queue_of(card),
            status=list(_WAITING),
            load_input=False,
            load_output=False,
        )
    waiting.sort(key=lambda entry: entry.priority or 0)  # stable: equal ones as they came
    order = [entry.workflow_id for entry in waiting]
    mine = card.queue_id(folder)
    return order.index(mine) + 1 if mine in order else None
