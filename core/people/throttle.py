"""How often a password may be tried: by the name that is tried and by the address it comes from.

Kept in the memory of each web process and bounded: several processes each allow as much, and a
restart forgets. Argon2's time and the length of passwords carry the rest.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from core.errors import NotAllowed

WINDOW_SECONDS = 15 * 60.0
BY_NAME = 10
"""Failed attempts for a name in that time."""
BY_ADDRESS = 50
"""From an address: people in an office often share one."""
_MOST_REMEMBERED = 20_000


class Throttle:
    """Counts attempts. Safe to use from several threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._attempts: OrderedDict[str, list[float]] = OrderedDict()
        self._guard = threading.Lock()

    def attempt(self, name: str, address: str) -> None:
        """Count an attempt before it is made, so that many at once count as well. Raises NotAllowed
        where there were too many."""
        with self._guard:
            named, from_there = f"n{name.casefold()}"[:200], f"a{address}"[:200]
            full = len(self._recent(named)) >= BY_NAME
            if full or len(self._recent(from_there)) >= BY_ADDRESS:
                raise NotAllowed(
                    "Too many attempts. Wait a quarter of an hour, then try again, or ask an "
                    "administrator for a link to set a new password."
                )
            for key in (named, from_there):
                self._attempts.setdefault(key, []).append(self._clock())
                self._attempts.move_to_end(key)
            while len(self._attempts) > _MOST_REMEMBERED:
                self._attempts.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """The last attempt was right: the name starts anew, and the address has one fewer."""
        with self._guard:
            self._attempts.pop(f"n{name.casefold()}"[:200], None)
            if from_there := self._attempts.get(f"a{address}"[:200]):
                from_there.pop()

    def _recent(self, key: str) -> list[float]:
        since = self._clock() - WINDOW_SECONDS
        kept = [at for at in self._attempts.get(key, []) if at > since]
        if key in self._attempts:
            self._attempts[key] = kept
        return kept
