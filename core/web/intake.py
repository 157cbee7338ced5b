"""How much may still come: what every upload holds, and what is under way to it.

What is complete stands in the uploads' indexes on disk, and only what was added since the last
time is read. What is under way is known to this process alone. Where several web processes take
files of one upload, each reserves room for its own; the limits hold all the same, since a file
counts once more, under the upload's lock, when it is put in its place, and the disk is asked
whenever something is written.
"""

import errno
import os
import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from filelock import FileLock

from core.dataset import upload_files
from core.errors import GraftError, NotAllowed, NotFound
from core.settings import MiB, Settings
from core.web.uploads import entries, index_state, note_received, ready_folder, upload_folder

MOST_AT_ONCE = 400
"""Bodies under way, each of which holds a piece in memory; a browser sends three."""

_REMEMBERED = 256
_POLL_SECONDS = 0.005
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Refused(GraftError):
    """A request that is turned away, with the HTTP status that says so."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def status_of(error: GraftError) -> HTTPStatus:
    """The HTTP status of a refusal: what may not even be looked at is not there."""
    if isinstance(error, Refused):
        return error.status
    return HTTPStatus.FORBIDDEN if isinstance(error, NotAllowed) else HTTPStatus.NOT_FOUND


@dataclass
class _Ledger:
    """What one upload holds, and how much is under way to it."""

    index: int = 0
    """The file that was read, as its file system numbers it."""
    offset: int = 0
    sizes: dict[int, int] = field(default_factory=dict)
    """Bytes of each complete file, by number."""
    complete: int = 0
    """Their sum."""
    reserved: int = 0
    """Bytes of files that are under way, as announced or as arrived."""
    under_way: int = 0

    def read_on(self, folder: Path) -> None:
        """Count what was added to the index since the last time."""
        index, size = index_state(folder)
        if index != self.index or size < self.offset:  # imported meanwhile, say, and begun anew
            self.index, self.offset, self.sizes, self.complete = index, 0, {}, 0
        for entry, behind in entries(folder, self.offset):
            self.offset = behind
            self.complete += entry.bytes - self.sizes.get(entry.n, 0)
            self.sizes[entry.n] = entry.bytes


class Intake:
    """Gives out room for files. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ledgers: OrderedDict[str, _Ledger] = OrderedDict()
        self._unwritten = 0
        """Bytes that were promised room on the disk and are not on it yet."""
        self._under_way = 0
        self._guard = threading.Lock()

    def begin(self, upload_id: str, n: int, name: str, announced: int) -> "Arriving":
        """A file begins to come, with as many bytes as it says (0 if it does not say).

        Raises NotFound for an unknown upload, and Refused where the bytes have no room.
        """
        settings = self._settings
        if n >= settings.max_entries:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"More than {settings.max_entries:,} files at once are too many. Add them in "
                "several portions.",
            )
        folder = ready_folder(settings.home, upload_id)
        with self._guard:
            if self._under_way >= MOST_AT_ONCE:
                raise Refused(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    "Too many files are arriving at once. Wait a moment, then send the remaining "
                    "files again.",
                )
            ledger = self._ledger(upload_id)
            ledger.read_on(folder)
            arriving = Arriving(self, ledger, folder, n, name)
            self._reserve(arriving, announced)
            ledger.under_way += 1
            self._under_way += 1
        return arriving

    def _ledger(self, upload_id: str) -> _Ledger:
        ledger = self._ledgers.setdefault(upload_id, _Ledger())
        self._ledgers.move_to_end(upload_id)
        idle = [name for name, known in self._ledgers.items() if not known.under_way]
        for name in idle[: max(0, len(self._ledgers) - _REMEMBERED)]:
            if name != upload_id:
                del self._ledgers[name]
        return ledger

    def _reserve(self, arriving: "Arriving", total: int) -> None:
        """Keep room for so many bytes of it in all; the guard is held."""
        settings, ledger = self._settings, arriving.ledger
        more = max(0, total - arriving.reserved)
        others = ledger.complete - ledger.sizes.get(arriving.n, 0) + ledger.reserved
        if total > settings.max_upload_bytes or others + more > settings.max_unpacked_bytes:
            raise self._too_large(arriving.name)
        free = shutil.disk_usage(settings.home).free - self._unwritten
        if free - more < settings.min_free_bytes:
            raise self._disk_full()
        ledger.reserved += more
        arriving.reserved += more
        self._unwritten += more

    def grow(self, arriving: "Arriving", total: int) -> None:
        """Room for what arrived beyond what was announced. Raises Refused where there is none."""
        with self._guard:
            self._reserve(arriving, total)

    def written(self, arriving: "Arriving", size: int) -> None:
        """So many more of the promised bytes are on the disk now."""
        with self._guard:
            self._unwritten -= size
            arriving.written += size

    def complete(self, arriving: "Arriving", part: Path) -> None:
        """Put a whole file in its place and into the index: of two of one number, the last.

        Raises Refused where files that came by other processes have left it no room.
        """
        with self._guard:
            ledger = arriving.ledger
            folder = upload_folder(self._settings.home, arriving.folder.name)
            lock = FileLock(folder / upload_files.LOCK)  # other processes write there as well
            with lock.acquire(poll_interval=_POLL_SECONDS):
                ledger.read_on(folder)
                others = ledger.complete - ledger.sizes.get(arriving.n, 0)
                if others + arriving.size > self._settings.max_unpacked_bytes:
                    raise self._too_large(arriving.name)
                os.replace(part, folder / str(arriving.n))
                note_received(folder, arriving.n, arriving.name, arriving.size)
            self._release(arriving)  # now, or it would count twice

    def end(self, arriving: "Arriving") -> None:
        """Give back the room that was kept, whether or not the file is complete."""
        with self._guard:
            arriving.ledger.under_way -= 1
            self._under_way -= 1
            self._release(arriving)

    def _release(self, arriving: "Arriving") -> None:
        arriving.ledger.reserved -= arriving.reserved
        self._unwritten -= arriving.reserved - arriving.written
        arriving.reserved = arriving.written = 0

    def _too_large(self, name: str) -> Refused:
        return Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"“{name}” is too large: the limit is {self._settings.max_upload_bytes / MiB:,.0f} "
            f"MB per file and {self._settings.max_unpacked_bytes / MiB:,.0f} MB in all.",
        )

    @staticmethod
    def _disk_full() -> Refused:
        return Refused(
            HTTPStatus.INSUFFICIENT_STORAGE,
            "The server's disk is nearly full. Free some space there, then send the remaining "
            "files again.",
        )


class Arriving:
    """One body on its way into a part file of its own, so that no two can mix."""

    def __init__(self, intake: Intake, ledger: _Ledger, folder: Path, n: int, name: str) -> None:
        self.ledger = ledger
        self.folder = folder
        self.n = n
        self.name = name
        self.size = 0
        self.reserved = 0
        self.written = 0
        """Of the reserved bytes, those on the disk."""
        self._intake = intake
        self._part = folder / f"{n}.{secrets.token_hex(8)}.part"

    def write(self, content: bytes | bytearray) -> None:
        """Append to the part file. Raises Refused where there is no room for it."""
        self._intake.grow(self, self.size + len(content))
        with _said_plainly(), self._part.open("ab") as file:
            file.write(content)
        self.size += len(content)
        self._intake.written(self, len(content))

    def complete(self) -> int:
        """The file is whole: put it where it belongs. Gives its size in bytes."""
        with _said_plainly():
            self._intake.complete(self, self._part)
        return self.size

    def end(self) -> None:
        """Give back what is left of the room, and of an incomplete file."""
        self._intake.end(self)
        self._part.unlink(missing_ok=True)


@contextmanager
def _said_plainly() -> Iterator[None]:
    """What the disk says, as an answer."""
    try:
        yield
    except FileNotFoundError as error:  # the folder: imported, discarded or cleaned up
        raise NotFound(
            "This upload has already ended. Reload the page and choose the files again."
        ) from error
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise Refused(
            HTTPStatus.INSUFFICIENT_STORAGE,
            "The disk is full. Free some space, then send the remaining files again.",
        ) from error
