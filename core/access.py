"""Who acts, and what they may do.

Whoever signs people in says who acts: `acting_as` around a request, `look_up_with` for the threads
in which pages are drawn. On the command line and in the worker nobody is asked: there the machine
itself acts. A web server with people calls `deny_by_default` before it serves: from then on whoever
is not known may do nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import select

from core.errors import NotAllowed, NotFound
from core.projects.database import session
from core.projects.people_tables import DeedRow, MemberRow
from core.settings import get_settings

Role = Literal["viewer", "editor", "owner"]
Action = Literal["look", "test", "edit", "manage"]
"""To see a project; to ask its models; to change images and train; to add people and delete."""

ACTIONS: tuple[Action, ...] = get_args(Action)
OF_ROLE: dict[str, frozenset[Action]] = {
    "viewer": frozenset({"look", "test"}),
    "editor": frozenset({"look", "test", "edit"}),
    "owner": frozenset(ACTIONS),
}
_REFUSED: dict[Action, str] = {
    "look": "There is nothing here for you.",
    "test": "You may look at this project, but not test images. Ask one of its owners.",
    "edit": "You may look at this project, but not change it. Ask one of its owners.",
    "manage": "Only an owner of this project may do this.",
}


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a program that acts for one, somebody with a link, or the machine itself."""

    id: str
    """Of the person; empty for all others."""
    name: str
    """What the audit log calls the actor. Text from outside."""
    admin: bool = False
    machine: bool = False
    project: str = ""
    """The only project that a link or a token is good for; empty: any."""
    actions: frozenset[Action] | None = None
    """What a link or a token allows at most; None: whatever the person may."""


MACHINE = Actor("", "this computer", machine=True)
NOBODY = Actor("", "nobody", actions=frozenset())

_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)


class _Unknown:
    """What is thought of whoever is not known: the machine itself, unless people sign in."""

    actor: Actor = MACHINE
    look_up: Callable[[], Actor | None] | None = None


def deny_by_default(*, denied: bool = True) -> None:
    """From now on nobody may do anything in this process unless it is known who acts."""
    _Unknown.actor = NOBODY if denied else MACHINE


def look_up_with(look_up: Callable[[], Actor | None] | None) -> None:
    """How to find who acts in a thread that no request runs in; None: it cannot be found."""
    _Unknown.look_up = look_up


def people_sign_in() -> bool:
    """Whether people sign in to this process; otherwise the machine itself acts for all."""
    return _Unknown.actor is not MACHINE


def acting() -> Actor:
    """Who acts here and now."""
    known = _acting.get()
    if known is None and _Unknown.look_up is not None:
        known = _Unknown.look_up()
    return known or _Unknown.actor


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Inside this, it is this actor who acts. Threads that asyncio and anyio start inherit it."""
    before = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(before)


def may(actor: Actor, action: Action, project_id: str) -> bool:
    """Whether the actor may do this in the project, be there one of this id or not."""
    if actor.machine:
        return True
    if actor.actions is not None and action not in actor.actions:
        return False
    return action in actions_of(actor, project_id)


def actions_of(actor: Actor, project_id: str) -> frozenset[Action]:
    """All that the actor may do in the project, at the cost of one look at the members."""
    everything: frozenset[Action] = frozenset(ACTIONS)
    if actor.machine:
        return everything
    at_most = everything if actor.actions is None else actor.actions
    if not at_most or actor.project not in ("", project_id):
        return frozenset()
    if not actor.id:
        return at_most if actor.project else frozenset()
    if actor.admin:
        return at_most
    return at_most & OF_ROLE.get(role_of(actor.id, project_id), frozenset())


def require(action: Action, project_id: str) -> None:
    """Raises NotFound where the actor may not even look, NotAllowed where only this is refused."""
    actor = acting()
    if may(actor, action, project_id):
        return
    if not may(actor, "look", project_id):
        raise NotFound("This project no longer exists. Choose another one from the list.")
    raise NotAllowed(_REFUSED[action])


def require_person() -> Actor:
    """Who acts, where a person with an account is needed (or the machine). Raises NotAllowed."""
    actor = acting()
    if actor.machine or (actor.id and actor.actions is None):
        return actor
    raise NotAllowed("Sign in to do this.")


def require_admin() -> Actor:
    """Who acts, where that is an administrator or the machine itself. Raises NotAllowed."""
    actor = require_person()
    if not (actor.machine or actor.admin):
        raise NotAllowed("Only an administrator of this server may do this.")
    return actor


def require_somebody() -> None:
    """Raises NotAllowed where it is not known at all who acts: neither a person nor a link."""
    actor = acting()
    if not (actor.machine or actor.id or actor.project):
        raise NotAllowed("Sign in to do this.")


def require_machine() -> None:
    """Raises NotAllowed for whoever is not the machine itself: this is for the worker."""
    if not acting().machine:
        raise NotAllowed("Only this computer does this, by itself.")


def role_of(user_id: str, project_id: str) -> str:
    """The person's role in the project; empty where she has none."""
    query = select(MemberRow.role).filter_by(user_id=user_id, project_id=project_id)
    with session(get_settings()) as opened:
        return opened.scalar(query) or ""


def projects_of(actor: Actor) -> set[str] | None:
    """The ids of the projects that the actor may look at; None: all there are."""
    if actor.machine:
        return None
    if actor.actions is not None and "look" not in actor.actions:
        return set()
    only = {actor.project} if actor.project else None
    if actor.admin:
        return only
    if not actor.id:
        return only or set()
    query = select(MemberRow.project_id, MemberRow.role).filter_by(user_id=actor.id)
    with session(get_settings()) as opened:
        rows = opened.execute(query).all()
    found = {project for project, role in rows if "look" in OF_ROLE.get(role, frozenset())}
    return found if only is None else found & only


def note(what: str, project_id: str = "", about: str = "") -> None:
    """`record` it where somebody acts: what the machine does by itself fills no log."""
    if not acting().machine:
        record(what, project_id, about)


def record(what: str, project_id: str = "", about: str = "") -> None:
    """Append to the audit log that the actor did this. `what` is a short fixed word or two."""
    actor = acting()
    with session(get_settings()) as opened:
        opened.add(
            DeedRow(
                user_id=actor.id,
                name=actor.name,
                what=what,
                project_id=project_id,
                about=about[:300],
            )
        )
