"""Passwords: what is asked of them, and their argon2id hashes.

Argon2 takes 64 MiB and some 50 ms each time, so only a few run at once: whoever sends a thousand
sign-ins waits in line instead of filling the memory.
"""

import secrets
import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from core.errors import BadInput

LEAST = 10
"""Characters of a password."""
MOST = 1000
_AT_ONCE = threading.BoundedSemaphore(2)
_HASHER = PasswordHasher()  # argon2id as in RFC 9106, low memory: 64 MiB, 3 passes, 4 lanes


def hashed(password: str) -> str:
    """The argon2id hash to keep. Raises BadInput for a password that is too short or too long."""
    plain = unicodedata.normalize("NFC", password)
    if len(plain) < LEAST:
        raise BadInput("A password has at least 10 characters. Take a longer one.")
    if len(plain) > MOST:
        raise BadInput("A password has at most 1,000 characters. Take a shorter one.")
    with _AT_ONCE:
        return _HASHER.hash(plain)


def fits(password: str, kept: str) -> bool:
    """Whether this is the password. It takes as long where none is kept (`kept` is empty)."""
    if len(password) > MOST:
        return False
    with _AT_ONCE:
        try:
            _HASHER.verify(kept or _nobodys(), unicodedata.normalize("NFC", password))
        except (Argon2Error, InvalidHashError):
            return False
    return bool(kept)


def outdated(kept: str) -> bool:
    """Whether the hash was made with less effort than is taken today."""
    return _HASHER.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    return _HASHER.hash(secrets.token_hex())
