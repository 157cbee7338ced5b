"""The bucket: what files hold, each under its SHA-256, whole and never changed."""

import hashlib
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from core.errors import Damaged, Hindered, NotFound
from core.files import replaced

if TYPE_CHECKING:
    from obstore.store import S3Store

_HASH = re.compile(r"[0-9a-f]{64}")
_OWNER = "home.id"
_PIECE = 1024 * 1024


class StoreUnavailable(Hindered):
    """The object store does not answer, or not to us."""


class Objects:
    """Those below an address like s3://bucket/prefix. Where the server is and who asks is told by
    the variables that every program for S3 knows (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID …)."""

    def __init__(self, address: str) -> None:
        self._address = address

    @cached_property
    def _store(self) -> "S3Store":
        from obstore.store import S3Store

        bucket, _, prefix = self._address.removeprefix("s3://").partition("/")
        plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        return S3Store(
            bucket,
            prefix=prefix.strip("/") or None,
            client_options={"allow_http": plain, "timeout": "120s", "connect_timeout": "5s"},
            retry_config={"max_retries": 3},
        )

    def owner(self, proposed: str) -> str:
        """The id of the home that the bucket belongs to: this one, if it was none's so far. Raises
        StoreUnavailable."""
        import obstore

        with self._in_words():
            try:
                return bytes(obstore.get(self._store, _OWNER).bytes()).decode("ascii", "replace")
            except FileNotFoundError:
                obstore.put(self._store, _OWNER, proposed.encode())
                return proposed

    def put(self, digest: str, content: bytes | BinaryIO) -> None:
        """Keep what has this hash. Raises StoreUnavailable."""
        import obstore

        with self._in_words():
            obstore.put(self._store, _key(digest), content)

    def get(self, digest: str, path: Path, changed_us: int) -> None:
        """Write it to a file, whole or not at all, with this time of change. Raises NotFound where
        it is not there, Damaged where it is not what its name says, StoreUnavailable."""
        import obstore

        path.parent.mkdir(parents=True, exist_ok=True)
        seen = hashlib.sha256()
        with replaced(path) as draft:
            with self._in_words(), draft.open("wb") as file:
                for piece in obstore.get(self._store, _key(digest)).stream(_PIECE):
                    seen.update(piece)
                    file.write(piece)
            if seen.hexdigest() != digest:
                raise Damaged(
                    f"“{path.name}” is damaged in the object store. Restore it from a backup."
                )
            os.utime(draft, ns=(changed_us * 1000, changed_us * 1000))

    def delete(self, digests: Collection[str]) -> None:
        """Forget these. Raises StoreUnavailable."""
        import obstore

        if digests:
            with self._in_words():
                obstore.delete(self._store, [_key(digest) for digest in digests])

    def all(self) -> Iterator[tuple[str, datetime]]:
        """The hash of each, and when it was put there last. Raises StoreUnavailable."""
        import obstore

        with self._in_words():
            for listed in obstore.list(self._store, "objects/"):
                for each in listed:
                    name = each["path"].rpartition("/")[2]
                    if _HASH.fullmatch(name):
                        yield name, each["last_modified"]

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            raise NotFound("A file is missing from the object store.") from error
        except BaseError as error:  # its text may hold what the server said, and never a key
            raise StoreUnavailable(
                f"The object store {self._address} cannot be used. Check that it is running, and "
                "that GRAFT_STORE, AWS_ENDPOINT_URL and the AWS_… keys are right."
            ) from error


def _key(digest: str) -> str:
    if not _HASH.fullmatch(digest):
        raise ValueError(digest)
    return f"objects/{digest[:2]}/{digest}"
