"""A job's folder while a worker runs it, where machines share no disk: what is in it goes to the
store as the job comes along, and what people ask for comes from there.

Without GRAFT_STORE nothing of this happens. The worker alone does it, never the job's own process:
what that wrote without its worker is of no use, and is replaced by what the store has when
the job is begun again.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from core.errors import GraftError, Hindered
from core.events import Finished
from core.jobs import told
from core.jobs.folder import (
    asked_to_stop,
    is_checkpoint,
    name_of,
    note_stop,
    output_file,
    possible_paths,
    spec_file,
    starts_file,
    stop_name,
)
from core.jobs.lock import job_lock, lock_name
from core.jobs.spec import text_of, uploads_in
from core.jobs.summary import summary
from core.settings import Settings
from core.storage import shared_storage
from core.storage.forgetting import discard
from core.storage.sessions import Session
from core.storage.shared import SharedStorage, files_in

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5
_AGAIN_SECONDS = 2.0
_ID = re.compile(r"\b[0-9a-f]{16}\b")
NOTES = ("checks", "rankings", "proposals", "maps", "pretraining_analysis", "origins")
"""Rooms of the home in which there is a file for each dataset."""


class Mirror:
    """Of all jobs of one worker, by the session that holds its slot. With None it does nothing."""

    def __init__(self, settings: Settings, session: Session | None) -> None:
        self._settings, self._session = settings, session
        self._open: set[Mirrored] = set()

    @contextmanager
    def of(self, folder: Path) -> Iterator["Mirrored | None"]:
        """Hold a job and its folder, as they are in the store, until the end of the block; then
        all that it made is there. Waits for both as long as it takes."""
        shared = shared_storage(self._settings)
        if self._session is None or shared is None:
            yield None
            return
        mirrored = Mirrored(shared, self._session, folder)
        _insist(mirrored.begin)
        self._open.add(mirrored)
        try:
            with mirrored.looking():
                yield mirrored
            _insist(mirrored.end)
        finally:
            self._open.discard(mirrored)
            mirrored.let_go()

    def save(self) -> None:
        """Once all jobs' processes have ended: leave in the store what others can go on from."""
        for mirrored in list(self._open):
            try:
                mirrored.look()
            except (GraftError, SQLAlchemyError, OSError) as error:
                _LOG.warning("%s was not saved for other machines: %s", mirrored, error)


class Mirrored:
    """One job of a worker."""

    def __init__(self, shared: SharedStorage, session: Session, folder: Path) -> None:
        self._shared, self._session, self._folder = shared, session, folder
        self._began = time.time()
        self._guard = threading.Lock()
        self._seen: dict[Path, tuple[int, int]] = {}

    def __str__(self) -> str:
        return name_of(self._folder)

    def begin(self) -> None:
        """Take the job, and make the folder what it is in the store.

        Raises GraftError, _TakenError.
        """
        if not self._session.try_lock(lock_name(self._folder)):
            raise _TakenError
        with job_lock(self._folder):  # until a process of before on this machine has ended
            self._shared.renew(self._folder, spare=told.file(self._folder))
            told.bring(self._folder, self._shared)
        self._shared.bring(self._inputs())

    def look(self) -> None:
        """Say what the job said since, keep its checkpoint, and hear whether it is to stop."""
        with self._guard:
            told.publish(self._folder, self._shared, self._session)
            kept = [each for each in files_in(self._folder) if is_checkpoint(each)]
            replaced = self._publish((*kept, starts_file(self._folder)))
            with suppress(Hindered):  # else the daily cleanup does it
                discard(self._shared, [*replaced])
            if not asked_to_stop(self._folder) and self._shared.names(stop_name(self._folder)):
                note_stop(self._folder)

    def end(self) -> None:
        """Keep all that it made: its files first, then its last word."""
        made = [each for folder in self._inputs() for each in self._newer(folder)]
        own = [each for each in files_in(self._folder) if each != told.file(self._folder)]
        with summary(self._folder) as known:
            if isinstance(known.ended, Finished):  # nobody goes on from there
                own = [each for each in own if not is_checkpoint(each)]
        with self._guard:
            self._publish((*own, *made, *self._notes()))
            there = {f"{self}/{each.relative_to(self._folder).as_posix()}" for each in own}
            gone = [each for each in self._shared.names(f"{self}/%") if each not in there]
            gone = [each for each in gone if is_checkpoint(Path(each))]
            if gone:
                self._shared.withdraw(self._folder.parents[1] / each for each in gone)
            told.publish(self._folder, self._shared, self._session, whole=True)

    def let_go(self) -> None:
        """Leave the job to others."""
        try:
            self._session.unlock(lock_name(self._folder))
        except SQLAlchemyError:  # it is gone, and the lock with it
            return

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look again and again, beside the job."""
        ended = threading.Event()
        thread = threading.Thread(target=self._keep_looking, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _keep_looking(self, ended: threading.Event) -> None:
        while not ended.wait(_LOOK_SECONDS):
            try:
                self.look()
            # Whatever is away, the job goes on; the worker sees for itself when its hold is lost.
            except (GraftError, SQLAlchemyError, OSError) as error:
                _LOG.warning("%s is not kept up to date for other machines: %s", self, error)
                ended.wait(_AGAIN_SECONDS)

    def _publish(self, paths: Iterable[Path]) -> set[str]:
        """Those that changed since the last time; gives the hashes of what they held then."""
        changed: dict[Path, tuple[int, int]] = {}
        for path in paths:
            if path.exists():
                status = path.stat()
                known = status.st_size, status.st_mtime_ns
                if self._seen.get(path) != known:
                    changed[path] = known
        replaced = self._shared.publish(changed, through=self._session)
        self._seen |= changed
        return replaced

    def _inputs(self) -> list[Path]:
        """Folders that the job names: runs, jobs and uploads, and what is known of datasets."""
        home, text = self._folder.parents[1], text_of(self._folder)
        recipe = self._folder / "recipe.json"
        text += recipe.read_text(encoding="utf-8", errors="replace") if recipe.exists() else ""
        ids = set(_ID.findall(text))
        rooms = [path for each in ids for path in possible_paths(home, each)]
        notes = [home / room / each for each in ids for room in NOTES]
        uploads = [home / "uploads" / each for each in uploads_in(text)]
        return [each for each in (*rooms, *uploads, *notes) if each != self._folder]

    def _newer(self, folder: Path) -> Iterator[Path]:
        """What was written in a run that the job is about."""
        for path in files_in(folder) if spec_file(folder).exists() else ():
            own = path in (told.file(folder), spec_file(folder), output_file(folder))
            if not own and path.stat().st_mtime >= self._began:
                yield path

    def _notes(self) -> Iterator[Path]:
        home = self._folder.parents[1]
        for room in NOTES:
            for path in (home / room).glob("[!.]*.json"):
                if path.stat().st_mtime >= self._began:
                    yield path


class _TakenError(Exception):
    """Another one is still at work on the job."""


def _insist(step: Callable[[], None]) -> None:
    """Do it, however often it takes: until then the job is neither begun nor ended."""
    while True:
        try:
            step()
        except (_TakenError, GraftError, SQLAlchemyError, OSError) as error:
            if not isinstance(error, _TakenError):
                _LOG.warning("The store is tried again: %s", error)
            time.sleep(_AGAIN_SECONDS)
        else:
            return
