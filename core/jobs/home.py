"""Which home this is: a mark that moves with the folder, and that its databases remember.

The queue is named after it. So a worker takes the jobs of its own home alone, and one whose home
is not the database's says so instead of taking jobs that it cannot find.
"""

import re
import secrets
from pathlib import Path

from filelock import FileLock
from sqlalchemy import Connection, create_engine, text

from core.errors import CannotStart
from core.faults import translated
from core.files import replace_file
from core.projects.database import driver_url
from core.settings import Settings, get_settings
from core.storage import shared_storage

_FILE = "home.id"
_SHAPE = re.compile(r"[0-9a-f]{16}")
_LOCK = 7_236_452  # any constant: names the advisory lock on PostgreSQL


def home_id(home: Path) -> str:
    """The id of a home, 16 hexadecimal digits; made the first time that anybody asks."""
    file = home / _FILE
    if known := _read(file):
        return known
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / "migrate.lock"):
        if not (known := _read(file)):
            known = _of_all_machines(home) or secrets.token_hex(8)
            replace_file(file, known)
        return known


def _of_all_machines(home: Path) -> str:
    """Of a home that several machines share without a disk: the id that the database remembers."""
    settings = get_settings()
    if not settings.store or settings.home != home:
        return ""
    with translated(settings, settings.queue_url):
        return _recorded(settings.queue_url, secrets.token_hex(8))


def _read(file: Path) -> str:
    try:
        content = file.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return ""
    return content if _SHAPE.fullmatch(content) else ""


def claim(settings: Settings) -> None:
    """Enter this home in its databases, or find it there. Raises CannotStart for another's.

    Databases that lie in the home itself are its own in any case. For one that does not answer,
    it raises what `core.faults` makes of that.
    """
    own = home_id(settings.home)
    for name in ("queue_url", "database_url"):
        if url := getattr(settings, name):
            with translated(settings, url):
                recorded = _recorded(url, own)
            if recorded != own:
                raise CannotStart(
                    f"The database in GRAFT_{name.upper()} belongs to another home folder than "
                    f"{settings.home}. Set GRAFT_HOME to the original folder, or "
                    f"GRAFT_{name.upper()} to an empty database."
                )
    shared = shared_storage(settings)
    if shared and shared.objects.owner(own) != own:
        raise CannotStart(
            f"The object store {settings.store} belongs to other databases than these. Choose "
            "another bucket or prefix with GRAFT_STORE."
        )


def _recorded(url: str, own: str) -> str:
    """The home that the database belongs to: this one, if it belonged to none so far."""
    engine = create_engine(driver_url(url))
    try:
        with engine.begin() as connection:
            return _enter(connection, own)
    finally:
        engine.dispose()


def _enter(connection: Connection, own: str) -> str:
    if connection.dialect.name == "postgresql":  # two homes that come at once: one is the first
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    elif connection.dialect.name == "sqlite":
        connection.execute(text("BEGIN IMMEDIATE"))
    connection.execute(
        text("CREATE TABLE IF NOT EXISTS graft_home (place INTEGER PRIMARY KEY, id VARCHAR(16))")
    )
    connection.execute(
        text("INSERT INTO graft_home VALUES (1, :own) ON CONFLICT DO NOTHING"), {"own": own}
    )
    return str(connection.execute(text("SELECT id FROM graft_home")).scalar_one())
