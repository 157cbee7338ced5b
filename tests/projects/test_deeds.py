"""The audit log: who reads it, in what order, as a table, and that nobody changes it."""

import csv
import io

import pytest
from made_people import acting
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.access import record
from core.errors import NotAllowed, NotFound
from core.projects import create_project
from core.projects import deeds as module
from core.projects.database import engine
from core.projects.deeds import count_deeds, deeds, deeds_csv
from core.settings import get_settings


@pytest.fixture
def logged(peopled: str) -> str:
    """Five lines about the project and one about another."""
    for n in range(5):
        with acting("editor"):
            record("renamed", peopled, f"name {n}")
    record("renamed", create_project("Other").id)
    return peopled


def test_owners_read_it_newest_first_and_in_pages(logged):
    with acting("owner"):
        assert [deed.about for deed in deeds(logged)] == [f"name {n}" for n in (4, 3, 2, 1, 0)]
        assert [deed.about for deed in deeds(logged, first=2, count=2)] == ["name 2", "name 1"]
        assert count_deeds(logged) == 5
    assert (count_deeds(), len(deeds())) == (6, 6)


def test_others_do_not_read_it(logged):
    for ask in (deeds, count_deeds, deeds_csv):
        for name in ("viewer", "editor"):
            with acting(name), pytest.raises(NotAllowed):
                ask(logged)
        with acting("stranger"), pytest.raises(NotFound):
            ask(logged)
        with acting("owner"), pytest.raises(NotAllowed, match="administrator"):
            ask()
        with acting("stranger", admin=True):
            ask()


def test_no_cell_of_the_table_is_a_formula(logged, monkeypatch):
    for start in ("=", "+", "-", "@", "\t", "\r"):
        with acting(f"{start}cmd|' /C calc'!A0"):
            record("renamed", logged, f'{start}HYPERLINK("http://evil.example")')
    monkeypatch.setattr(module, "_AT_ONCE", 4)
    rows = list(csv.reader(io.StringIO(deeds_csv(logged))))
    assert rows[0] == ["time (UTC)", "person", "action", "project", "details", "person id"]
    assert len(rows) == 1 + 5 + 6
    assert [row[4] for row in rows[7:]] == [f"name {n}" for n in (4, 3, 2, 1, 0)]
    assert not [c for row in rows for c in row if c.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE deeds SET name = 'somebody else'",
        "UPDATE deeds SET about = '' WHERE id = 1",
        "DELETE FROM deeds",
        "DELETE FROM deeds WHERE id = 1",
        "INSERT OR REPLACE INTO deeds VALUES (1, 0, '', 'x', 'x', '', '')",
        "REPLACE INTO deeds VALUES (1, 0, '', 'x', 'x', '', '')",
        "INSERT INTO deeds VALUES (1, 0, '', 'x', 'x', '', '') "
        "ON CONFLICT (id) DO UPDATE SET name = 'x'",
    ],
)
def test_no_line_is_ever_changed_or_deleted(logged, statement):
    before = deeds()
    with (
        pytest.raises(IntegrityError, match="append-only"),
        engine(get_settings()).begin() as connection,
    ):
        connection.execute(text(statement))
    assert deeds() == before
    record("renamed", logged, "one more")
    assert count_deeds() == len(before) + 1
