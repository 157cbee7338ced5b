"""The tables about people: who may sign in, who is in a project, who did what.

Secrets are kept as hashes alone: of a password by argon2, of whatever else a browser or a program
shows (`digest_of`), which is random and long, by SHA-256.
"""

import hashlib
import time

from sqlalchemy import ForeignKey, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from core.projects.database import Base, session
from core.settings import Settings


def digest_of(secret: str) -> str:
    """What stands in a table instead of a secret of at least 128 random bits: its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()


def forget_ended(settings: Settings, *tables: "type[ShareRow | TokenRow]") -> None:
    """Delete the rows of these tables whose time is over."""
    for table in tables:
        ended = table.expires_at <= time.time()
        with session(settings) as opened:
            if opened.scalar(select(table.digest).where(ended).limit(1)):  # else nothing is written
                opened.execute(delete(table).where(ended))


class UserRow(Base):
    """A person. `subject` names her to whoever signs her in: a proxy or an OIDC provider."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    subject: Mapped[str | None] = mapped_column(unique=True)
    password: Mapped[str] = mapped_column(default="")
    """Its argon2 hash; empty while none is set."""
    admin: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[float] = mapped_column(default=time.time)
    disabled_at: Mapped[float | None]


class SignInRow(Base):
    """A browser that is signed in, by the digest of its cookie; or a link with which somebody sets
    a password. Signing out deletes it."""

    __tablename__ = "sign_ins"

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    purpose: Mapped[str] = mapped_column(default="session")
    """`session` or `password`."""
    created_at: Mapped[float] = mapped_column(default=time.time)
    used_at: Mapped[float] = mapped_column(default=time.time)
    expires_at: Mapped[float]


class AttemptRow(Base):
    """A password that was tried lately, for a name and from an address, both hashed."""

    __tablename__ = "attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    """Empty once a later attempt for the name was right."""
    address: Mapped[str] = mapped_column(index=True)
    at: Mapped[float] = mapped_column(index=True)


class MemberRow(Base):
    """A person in a project."""

    __tablename__ = "members"

    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    role: Mapped[str]
    added_at: Mapped[float] = mapped_column(default=time.time)
    seen_at: Mapped[float | None]


class ShareRow(Base):
    """A link that lets whoever has it look at a project, or look and test."""

    __tablename__ = "shares"

    digest: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    actions: Mapped[str]
    """Words of `core.access.Action` with blanks between."""
    made_by: Mapped[str]
    created_at: Mapped[float] = mapped_column(default=time.time)
    expires_at: Mapped[float]


class TokenRow(Base):
    """What a program shows to act for a person, within limits."""

    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("user_id", "title"),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    title: Mapped[str]
    actions: Mapped[str]
    project_id: Mapped[str] = mapped_column(default="")
    """The only project it is good for; empty for all of the person's."""
    created_at: Mapped[float] = mapped_column(default=time.time)
    used_at: Mapped[float | None]
    expires_at: Mapped[float]


class DeedRow(Base):
    """A line of the audit log: never changed, never deleted with what it is about."""

    __tablename__ = "deeds"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float] = mapped_column(default=time.time, index=True)
    user_id: Mapped[str] = mapped_column(default="")
    name: Mapped[str] = mapped_column(default="")
    """What the person was called then."""
    what: Mapped[str]
    project_id: Mapped[str] = mapped_column(default="", index=True)
    about: Mapped[str] = mapped_column(default="")
