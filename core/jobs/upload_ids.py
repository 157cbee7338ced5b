"""The ids of uploads: unguessable, signed, and good only for whoever they were issued to.

    <home>/upload.key     what they are signed with

An id is 16 hexadecimal digits by chance and 16 that sign them together with who asked: a person, or
a link. One that was issued to somebody else is as unknown as one that was never issued.
"""

import hashlib
import hmac
import re
import secrets
from functools import lru_cache
from pathlib import Path

from filelock import FileLock

from core.access import acting, require_somebody
from core.files import replace_file

_KEY = "upload.key"
_KEY_BYTES = 32
_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


def issue_upload(home: Path) -> str:
    """A new, unguessable upload id for the actor. Nothing is made until a file comes under it.
    Raises NotAllowed where it is not known who that is."""
    require_somebody()
    nonce = secrets.token_hex(8)
    return nonce + _signature(home, nonce)


def is_upload_id(text: str) -> bool:
    """Whether it has the form of one, so that no path can hide in it."""
    return _UPLOAD_ID.fullmatch(text) is not None


def is_issued(home: Path, upload_id: str) -> bool:
    """Whether this id was issued here, to this very actor."""
    nonce, signature = upload_id[:16], upload_id[16:]
    return is_upload_id(upload_id) and hmac.compare_digest(signature, _signature(home, nonce))


def _signature(home: Path, nonce: str) -> str:
    actor = acting()
    whose = ("person", actor.id) if actor.id else ("link", actor.project)
    signed = nonce if actor.machine else "-".join((nonce, *whose))
    return hmac.new(_key(home), signed.encode(), hashlib.sha256).hexdigest()[:16]


@lru_cache(maxsize=4)
def _key(home: Path) -> bytes:
    """Made once, by whoever comes first: all web processes of a home have the same."""
    file = home / _KEY
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f"{_KEY}.lock"):
            if not file.exists():
                replace_file(file, secrets.token_bytes(_KEY_BYTES))
    return file.read_bytes()
