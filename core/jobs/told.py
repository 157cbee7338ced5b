"""What jobs say, from and to other machines: the log in the home is a copy of that in the database.

`.told` beside the log has how many of its bytes are known to be there. What is behind them was
written by a process that ended with its worker; nobody else ever saw it, and it is cut off before
more is brought.
"""

from contextlib import suppress
from pathlib import Path

from filelock import Timeout

from core.events import Failed, Finished, Stopped
from core.files import number_in, replace_file
from core.jobs import log
from core.jobs.folder import events_file, name_of, told_file
from core.jobs.lock import job_lock
from core.storage import index
from core.storage.sessions import Session
from core.storage.shared import SharedStorage


def file(folder: Path) -> Path:
    """The log in the home."""
    return events_file(folder)


def refresh(folder: Path, shared: SharedStorage, until: int) -> None:
    """Bring what was said elsewhere, up to this byte, unless somebody works on the job here."""
    if not folder.is_dir():
        return
    with suppress(Timeout), job_lock(folder).acquire(timeout=0):
        bring(folder, shared, until)


def bring(folder: Path, shared: SharedStorage, until: int | None = None) -> None:
    """The same, for who holds the local lock."""
    events = events_file(folder)
    size = log.size(folder)
    noted = number_in(told_file(folder))
    known = noted if noted <= size else 0  # else the log was lost
    with shared.transaction() as connection:
        more = index.log_from(connection, name_of(folder), known)
    more = more if until is None else more[: max(0, until - known)]
    if size > known:  # replaced, not cut: whoever reads it then sees that it is another file
        replace_file(events, events.read_bytes()[:known] + more)
    elif more:
        with events.open("ab") as opened:
            opened.write(more)
    if more or size > known or noted != known:
        note(folder, known + len(more))


def publish(folder: Path, shared: SharedStorage, session: Session, *, whole: bool = False) -> None:
    """Tell the others what was said since, in whole lines, by the session that holds the job.
    `whole`: it has ended, and all that it made is there: so is its last word, which waits until
    then, and its pieces are joined."""
    known = number_in(told_file(folder))
    until = log.size(folder) if whole else _before_last_word(folder, known)
    more = b""
    if until > known:
        with events_file(folder).open("rb") as opened:
            opened.seek(known)
            more = opened.read(until - known)
    if not more and not whole:
        return
    with session.transaction() as connection:
        if more:
            index.log_add(connection, name_of(folder), known, more)
        if whole:
            index.log_join(connection, name_of(folder))
    note(folder, known + len(more))


def _before_last_word(folder: Path, known: int) -> int:
    until = known
    for event, behind in log.scan(folder, known):
        if isinstance(event, Finished | Failed | Stopped):
            break
        until = behind
    return until


def note(folder: Path, size: int) -> None:
    """So many bytes of its log are known elsewhere."""
    replace_file(told_file(folder), str(size))
