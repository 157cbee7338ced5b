"""Accounts: made by an administrator, never by whoever comes along.

Who makes and changes them stands in the audit log. The row without a name is the first
administrator before anybody has opened the set-up link (`core.people.links`).
"""

import itertools
import secrets
import time
import unicodedata
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.access import record, require_admin
from core.errors import BadInput, NotAllowed, NotFound
from core.people import passwords, revoking, throttle
from core.projects.database import session
from core.projects.people_tables import SignInRow, UserRow
from core.settings import get_settings

LONGEST_NAME = 60
_TRIES = 20


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account."""

    id: str
    name: str
    admin: bool
    subject: str
    """How a proxy or an OIDC provider calls her; empty where none does."""
    has_password: bool
    created_at: float
    disabled_at: float | None


def checked_name(name: str) -> str:
    """The name as it is kept. Raises BadInput for one that nobody could have."""
    plain = _plain(name)
    if not plain or len(plain) > LONGEST_NAME:
        raise BadInput("A name has 1 to 60 characters.")
    if any(unicodedata.category(letter)[0] == "C" for letter in plain):
        raise BadInput("This name has a character that cannot be seen. Type it anew.")
    return plain


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split())


def add(name: str, *, admin: bool = False, subject: str = "") -> User:
    """A new account, without a password. Raises BadInput where the name is taken, NotAllowed for
    anybody but an administrator."""
    require_admin()
    with session(get_settings()) as opened:
        made = add_in(opened, name, admin=admin, subject=subject)
    record("account added", about=made.name)
    return _user(made)


def add_in(opened: Session, name: str, *, admin: bool = False, subject: str = "") -> UserRow:
    """The same within a session."""
    plain = checked_name(name)
    require_free(opened, plain)
    if subject and opened.scalar(select(UserRow.id).filter_by(subject=subject)):
        raise BadInput("Somebody has this subject already.")
    made = UserRow(id=secrets.token_hex(8), name=plain, admin=admin, subject=subject or None)
    opened.add(made)
    opened.flush()
    return made


def require_free(opened: Session, name: str, *, but: str = "") -> None:
    """Raises BadInput where somebody else has this name, be it written otherwise."""
    found = row_named(opened, name)
    if found is not None and found.id != but:
        raise BadInput("Somebody has this name already. Take another one.")


def row_named(opened: Session, name: str) -> UserRow | None:
    """Whoever has this name, written in whatever case; of two, the one who writes it this way."""
    plain = _plain(name)
    if not plain:
        return None
    exact = opened.scalar(select(UserRow).filter_by(name=plain))
    if exact is not None:
        return exact
    named = opened.execute(select(UserRow.id, UserRow.name)).all()  # databases fold ASCII alone
    same = next((each.id for each in named if each.name.casefold() == plain.casefold()), None)
    return opened.get(UserRow, same) if same else None


def list_users() -> list[User]:
    """All, by name."""
    with session(get_settings()) as opened:
        rows = opened.scalars(select(UserRow).where(UserRow.name != "")).all()
    return sorted((_user(row) for row in rows), key=lambda user: user.name.casefold())


def named(name: str) -> User:
    """Raises NotFound."""
    with session(get_settings()) as opened:
        found = row_named(opened, name)
    if found is None:
        raise NotFound("Nobody has this name. `graft user list` shows all.")
    return _user(found)


def disable(user_id: str) -> None:
    """Nothing that she has lets her in any more; what she is signed in to ends now. Raises
    BadInput for the last administrator, NotAllowed for anybody but an administrator."""
    require_admin()
    with session(get_settings()) as opened:
        row = _row(opened, user_id)
        others = select(UserRow.id).where(
            UserRow.admin, UserRow.disabled_at.is_(None), UserRow.id != user_id, UserRow.name != ""
        )
        if row.admin and opened.scalar(others.limit(1)) is None:
            raise BadInput("This is the last administrator. Make somebody else one first.")
        row.disabled_at = row.disabled_at or time.time()
        opened.execute(delete(SignInRow).filter_by(user_id=user_id))
        name = row.name
    revoking.revoked()
    record("account disabled", about=name)


def enable(user_id: str) -> None:
    """She may sign in again. Raises NotAllowed for anybody but an administrator."""
    require_admin()
    with session(get_settings()) as opened:
        row = _row(opened, user_id)
        row.disabled_at = None
        name = row.name
    record("account enabled", about=name)


def reset(user_id: str) -> None:
    """Her password is gone, and what she is signed in to ends now. Raises NotAllowed for anybody
    but an administrator."""
    require_admin()
    with session(get_settings()) as opened:
        row = _row(opened, user_id)
        row.password = ""
        opened.execute(delete(SignInRow).filter_by(user_id=user_id))
        name = row.name
    revoking.revoked()
    record("password reset", about=name)


def set_password(opened: Session, row: UserRow, hashed: str) -> None:
    """Keep a password's hash; whatever the person is signed in to and every link ends. The caller
    tells `revoking.revoked` once the session is closed."""
    row.password = hashed
    opened.execute(delete(SignInRow).filter_by(user_id=row.id))


def change_password(user_id: str, old: str, new: str, address: str) -> None:
    """Raises NotAllowed where the old one is wrong, BadInput for a new one that will not do."""
    with session(get_settings()) as opened:
        row = _row(opened, user_id)
    _require_password(row, row.name, old, address)
    hashed = passwords.hashed(new)
    with session(get_settings()) as opened:
        set_password(opened, _row(opened, user_id), hashed)
    revoking.revoked()
    record("password changed", about=row.name)


def by_password(name: str, password: str, address: str) -> User:
    """Whoever has this name and this password. Raises NotAllowed, without saying which was wrong;
    it takes as long for a name that nobody has."""
    with session(get_settings()) as opened:
        row = row_named(opened, name)
    _require_password(row, name, password, address)
    if row is None or row.disabled_at is not None:
        raise NotAllowed("This account is disabled. Ask an administrator.")
    if passwords.outdated(row.password):
        with session(get_settings()) as opened:
            _row(opened, row.id).password = passwords.hashed(password)
    return _user(row)


def _require_password(row: UserRow | None, name: str, password: str, address: str) -> None:
    tried = _plain(name)  # however it was written
    attempt = throttle.attempt(tried, address)
    if not passwords.fits(password, row.password if row else ""):
        raise NotAllowed("The name or the password is wrong.")
    throttle.succeeded(attempt)


def by_subject(subject: str) -> User | None:
    """Whoever a proxy or a provider calls by this; None where there is nobody."""
    with session(get_settings()) as opened:
        row = opened.scalar(select(UserRow).filter_by(subject=subject))
    return _user(row) if row else None


def bind(user_id: str, subject: str) -> User:
    """From now on, this is how the provider calls her."""
    with session(get_settings()) as opened:
        row = _row(opened, user_id)
        row.subject = subject
    return _user(row)


def add_vouched_for(name: str, subject: str) -> User:
    """An account for somebody that a proxy or a provider vouches for. Where the name is taken, a
    number is added to it: the subject says who it is, not the name. Whoever comes through several
    processes at once, as a browser does with its first page, gets one."""
    for left in itertools.count(1 - _TRIES):
        try:
            made, is_new = _vouched_for(name, subject)
            break
        except (IntegrityError, BadInput):  # somebody was quicker: look again
            if left == 0:
                raise
    if is_new:
        record("account added", about=made.name)
    return made


def _vouched_for(name: str, subject: str) -> tuple[User, bool]:
    with session(get_settings()) as opened:
        known = opened.scalar(select(UserRow).filter_by(subject=subject))
        if known is not None:
            return _user(known), False
        base = _nameable(name)
        tries = (f"{base} {n}" if n > 1 else base for n in range(1, 10_000))
        free = next(each for each in tries if row_named(opened, each) is None)
        made = add_in(opened, free, subject=subject)
    return _user(made), True


def _nameable(name: str) -> str:
    seen = "".join(each for each in name if unicodedata.category(each)[0] != "C")
    return " ".join(seen.split())[: LONGEST_NAME - 5].strip() or "Somebody"


def _row(opened: Session, user_id: str) -> UserRow:
    row = opened.get(UserRow, user_id)
    if row is None:
        raise NotFound("There is no such account.")
    return row


def _user(row: UserRow) -> User:
    return User(
        row.id,
        row.name,
        row.admin,
        row.subject or "",
        bool(row.password),
        row.created_at,
        row.disabled_at,
    )
