"""The engine of the queue (DBOS): its database, and the queues in it. Works from any process."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from core.faults import translated
from core.jobs.home import claim, home_id
from core.jobs.kinds import Queue
from core.jobs.slots import machine_of
from core.settings import Settings, get_settings
from core.storage import storage

if TYPE_CHECKING:
    from dbos import DBOSClient

APPLICATION = "graft"
VERSION = "1"
"""Pinned, so that an update of the program goes on with the jobs of the one before."""
WORKFLOW = "job"
TRAINING: Queue = "training"
QUICK: Queue = "quick"
LIVE: Queue = "live"
QUEUES = (TRAINING, QUICK, LIVE)
_POLL_SECONDS = 0.25
"""How often a worker looks for a job that takes a while: a look costs 3 ms, day and night."""
_POLL_QUICK_SECONDS = 0.1
_SHARED_AT_ONCE = 3
"""Of the quick jobs, and of the live ones."""
_SHARED_OF_ONE = 2
"""Of one person or project: less than all, so that there is always room for another's."""
WAITING = ("ENQUEUED", "DELAYED")
"""What DBOS calls a job that was not begun."""


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
    training = queue_name(TRAINING, settings.home)
    client.register_queue(training, worker_concurrency=1, polling_interval_sec=_POLL_SECONDS)
    for which, seconds in ((QUICK, _POLL_QUICK_SECONDS), (LIVE, _POLL_SECONDS)):
        client.register_queue(
            queue_name(which, settings.home),
            worker_concurrency=_SHARED_AT_ONCE,
            partition_worker_concurrency=_SHARED_OF_ONE,
            polling_interval_sec=seconds,
        )
    return client


def open_queue(settings: Settings) -> "DBOSClient":
    """The queue, with its tables made or brought up to date: whoever comes first does that.

    "training" runs one job at a time, since a training takes the whole machine; "quick" runs what
    somebody waits for in front of the screen; "live" what lasts as long as somebody looks, beside
    the quick jobs and never in their way. Raises GraftError when the database belongs to
    another home or does not answer.
    """
    with translated(settings, settings.jobs_url):
        return _client(settings)


def queue_name(which: str, home: Path) -> str:
    """What one of QUEUES is called in this home."""
    # Frames of a camera lie in the home of the web app: a worker of its own machine answers them.
    beside = f"-{machine_of(get_settings())}" if which == LIVE and storage().is_shared else ""
    return f"{which}-{home_id(home)}{beside}"


@contextmanager
def reached(settings: Settings) -> Iterator["DBOSClient"]:
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
