"""Deleting for good where several homes share a bucket.

Rows go in one transaction, which leaves word in `graft_gone`, numbered in the order of the
transactions: each home drops its own copies when it next reads on. What the bucket holds goes
later, once no row names it. Whoever publishes holds a shared lock from before he looks at the rows
until his are entered (`index.using`), and whoever deletes holds it alone: so nobody enters a row
for content that is just going.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from core.errors import Hindered
from core.storage import index
from core.storage.shared import SharedStorage
from core.storage.storage import image_paths


@contextmanager
def alone(shared: SharedStorage) -> Iterator[Connection]:
    """A transaction of the index while nobody publishes. Raises Hindered where somebody does for
    longer than a few seconds, DatabaseUnavailable."""
    with shared.transaction() as connection:
        try:
            index.use_alone(connection)
        except OperationalError as error:
            raise Hindered("Files are just being published. It is tried again later.") from error
        yield connection


def forget(connection: Connection, ids: Collection[str]) -> None:
    """Drop the rows of these runs, jobs, uploads and datasets and of all that is known of them, and
    leave word of it. In a transaction of `alone`."""
    for some in index.pieces(sorted(ids)):
        for table in ("graft_files", "graft_logs"):
            mine = f"DELETE FROM {table} WHERE split_part(folder, '/', 2) = ANY(:ids)"
            connection.execute(text(mine), {"ids": some})
        told = "INSERT INTO graft_gone (id) SELECT unnest(CAST(:ids AS TEXT[]))"
        connection.execute(text(told), {"ids": some})


def forget_images(connection: Connection, images: Collection[str]) -> None:
    """Drop the rows of images by their hashes. In a transaction of `alone`."""
    for some in index.pieces(sorted(images)):
        paths = [path for each in some for path in image_paths(each)]
        index.drop(connection, paths)


def gone_since(shared: SharedStorage, number: int) -> tuple[set[str], int]:
    """The ids of what was forgotten after this number and did not come again, and the newest
    number: 0 to begin with."""
    with shared.transaction() as connection:
        asked = text("SELECT number, id FROM graft_gone WHERE number > :number")
        rows = connection.execute(asked, {"number": number}).all()
        ids = {str(each) for _, each in rows}
        again = text("SELECT split_part(folder, '/', 2) FROM graft_files WHERE folder = ANY(:all)")
        names = [f"datasets/{each}" for each in ids]  # only those are named after what they hold
        ids -= {str(each) for each in connection.execute(again, {"all": names}).scalars()}
    return ids, max((int(each) for each, _ in rows), default=number)


def ages(shared: SharedStorage, room: str) -> dict[str, float]:
    """The ids in a room like "jobs", and how many seconds ago the newest of their files was
    written."""
    with shared.transaction() as connection:
        asked = text(
            "SELECT split_part(folder, '/', 2), max(changed) FROM graft_files "
            "WHERE folder LIKE :room GROUP BY folder"
        )
        rows = connection.execute(asked, {"room": f"{room}/%"})
        return {str(each): time.time() - changed / 1e6 for each, changed in rows}


def sweep(shared: SharedStorage, *, older_than: float) -> int:
    """Delete contents from the bucket that no row names and that were put there, or put there
    again, that many seconds ago; gives how many. Raises StoreUnavailable, DatabaseUnavailable,
    Hindered."""
    before = datetime.fromtimestamp(time.time() - older_than, UTC)
    old = (digest for digest, put in shared.objects.all() if put < before)
    return sum(discard(shared, some) for some in index.pieces(old))


def discard(shared: SharedStorage, digests: Sequence[str]) -> int:
    """Delete those of these contents that no row names; gives how many. Raises like `sweep`."""
    if not (digests and _unnamed(shared, digests)):
        return 0
    with alone(shared) as connection:  # asked again: a row may have come meanwhile
        going = index.unnamed(connection, digests)
        shared.objects.delete(going)
        return len(going)


def _unnamed(shared: SharedStorage, digests: Sequence[str]) -> set[str]:
    with shared.transaction() as connection:
        return index.unnamed(connection, digests)
