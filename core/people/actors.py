"""Who is behind what a browser or a program shows.

The web server turns a cookie, a token or a proxy's word into a **mark** such as `session:<digest>`,
which is no secret, and everything else asks for the actor by it: routes, the threads in which pages
are drawn, and whoever watches over open sockets. An answer is remembered for two seconds at most,
and forgotten at once when somebody is signed out by this process.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Collection

from sqlalchemy import update

from core.access import ACTIONS, Action, Actor
from core.people import revoking
from core.people.sign_ins import IDLE_SECONDS, SESSION
from core.projects.database import session
from core.projects.people_tables import ShareRow, SignInRow, TokenRow, UserRow
from core.settings import get_settings

REMEMBERED_SECONDS = 2.0
_MOST_REMEMBERED = 4096
_NOTED_EVERY = 60.0
"""Seconds between two notes of when something was last used."""


class _Remembered:
    """Answers of the last two seconds. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, Actor]] = OrderedDict()
        self._noted: OrderedDict[str, float] = OrderedDict()
        self._guard = threading.Lock()
        self.forgotten = 0
        """How often everything was forgotten: an answer that was looked up before is not kept."""

    def get(self, mark: str, *, use: bool) -> Actor | None:
        """None where nothing is remembered, or where the use has to be noted again."""
        now = time.monotonic()
        with self._guard:
            until, actor = self._known.get(mark, (0.0, None))
            due = use and self._noted.get(mark, 0.0) < now - _NOTED_EVERY
            return actor if until > now and not due else None

    def put(self, mark: str, actor: Actor, as_of: int, *, use: bool) -> None:
        with self._guard:
            if use:
                self._noted[mark] = time.monotonic()
                self._noted.move_to_end(mark)
            while len(self._noted) > _MOST_REMEMBERED:
                self._noted.popitem(last=False)
            if as_of != self.forgotten:
                return
            self._known[mark] = (time.monotonic() + REMEMBERED_SECONDS, actor)
            self._known.move_to_end(mark)
            while len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)

    def forget_all(self) -> None:
        with self._guard:
            self._known.clear()
            self.forgotten += 1


_remembered = _Remembered()
revoking.listen(_remembered.forget_all)


def remembered(mark: str, *, use: bool = False) -> Actor | None:
    """The actor, where nothing has to be asked of the database or noted in it."""
    return _remembered.get(mark, use=use)


def actor_of(mark: str, *, use: bool = False) -> Actor | None:
    """Who shows this; None for what is unknown, used up, expired, or somebody's who was disabled.

    `use` notes that it was used, once a minute.
    """
    known = _remembered.get(mark, use=use)
    if known is None:
        as_of = _remembered.forgotten
        known = look_up(mark, use=use)
        if known is not None:
            _remembered.put(mark, known, as_of, use=use)
    return known


def still_good(marks: Collection[str]) -> set[str]:
    """Those of the marks that still stand for somebody, as the database has it now."""
    return {mark for mark in marks if look_up(mark) is not None}


def look_up(mark: str, *, use: bool = False) -> Actor | None:
    """As the database has it now."""
    kind, _, what = mark.partition(":")
    match kind:
        case "session":
            return _signed_in(what, use=use)
        case "token":
            return _by_token(what, use=use)
        case "share":
            return _by_link(what)
        case "user":
            return _person(what)
    return None


def _signed_in(digest: str, *, use: bool) -> Actor | None:
    now = time.time()
    with session(get_settings()) as opened:
        row = opened.get(SignInRow, digest)
        if row is None or row.purpose != SESSION:
            return None
        if row.expires_at <= now or row.used_at <= now - IDLE_SECONDS:
            return None
        if use and row.used_at < now - _NOTED_EVERY:
            # Unless it was just ended: an update of a row that is gone changes nothing.
            opened.execute(update(SignInRow).filter_by(digest=digest).values(used_at=now))
        return _actor(opened.get(UserRow, row.user_id))


def _by_token(digest: str, *, use: bool) -> Actor | None:
    now = time.time()
    with session(get_settings()) as opened:
        row = opened.get(TokenRow, digest)
        if row is None or row.expires_at <= now:
            return None
        if use and (row.used_at or 0.0) < now - _NOTED_EVERY:
            opened.execute(update(TokenRow).filter_by(digest=digest).values(used_at=now))
        user = _actor(opened.get(UserRow, row.user_id))
        if user is None:
            return None
        return Actor(user.id, user.name, user.admin, False, row.project_id, _actions(row.actions))


def _by_link(digest: str) -> Actor | None:
    with session(get_settings()) as opened:
        row = opened.get(ShareRow, digest)
        if row is None or row.expires_at <= time.time():
            return None
        # Two links of one project are told apart in the audit log by the start of their digest.
        name = f"link {digest[:6]}"
        return Actor("", name, project=row.project_id, actions=_actions(row.actions))


def _person(user_id: str) -> Actor | None:
    with session(get_settings()) as opened:
        return _actor(opened.get(UserRow, user_id))


def _actor(row: UserRow | None) -> Actor | None:
    if row is None or row.disabled_at is not None or not row.name:
        return None
    return Actor(row.id, row.name, admin=row.admin)


def _actions(words: str) -> frozenset[Action]:
    return frozenset(each for each in ACTIONS if each in words.split())
