"""The same queue and the same tables on PostgreSQL, which comes as a package."""

import threading
from pathlib import Path

import pytest
from made_people import acting, add_people, join
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from core import jobs, projects
from core.access import record
from core.errors import GraftError
from core.jobs.folder import events_file
from core.projects import create_project
from core.projects.database import engine, migrate
from core.projects.deeds import deeds
from core.projects.members import members, remove_member
from core.recipe import Recipe
from core.settings import get_settings

from .conftest import Workers, children_of_job, wait_for
from .test_queue import ended, submitted

SLOW = 600.0


def test_projects_and_runs_are_kept_there(on_postgresql: None) -> None:
    migrate(get_settings())
    migrate(get_settings())
    project = projects.create_project("Cats")
    run = projects.create_run(project.id, Recipe(dataset="d", backbone="b", strategy="s"))
    assert [entry.id for entry in projects.runs(project.id)] == [run]
    assert "runs" in inspect(engine(get_settings())).get_table_names()


def test_a_job_survives_its_worker_there(on_postgresql: None, workers: Workers) -> None:
    workers.start()
    folder = submitted("count", steps=40, pace=0.01)
    waiting = submitted("count", steps=1)
    wait_for(lambda: jobs.status(folder).step >= 5)
    assert jobs.status(waiting).place == 1
    workers.kill()
    wait_for(lambda: children_of_job(folder) == [])
    workers.start()
    assert ended(folder).state == "finished"
    assert ended(waiting).state == "finished"
    assert not (get_settings().home / "queue.db").exists()


def test_a_hundred_jobs_end_a_hundred_times_though_their_worker_is_killed(
    on_postgresql: None, workers: Workers
) -> None:
    folders = [submitted("quick", steps=1) for _ in range(100)]
    workers.start()
    for share in (25, 60):
        wait_for(lambda share=share: finished(folders) >= share, SLOW, pause=0.3)
        workers.kill()
        workers.start()
    wait_for(lambda: finished(folders) == 100, SLOW, pause=0.3)
    assert [jobs.status(folder).state for folder in folders] == ["finished"] * 100
    starts = (folder / "starts" for folder in folders)
    assert max(len(each.read_text().splitlines()) for each in starts) <= 3


def finished(folders: list[Path]) -> int:
    """How many have ended, read from their folders alone."""
    return sum(b'"Finished"' in events_file(folder).read_bytes() for folder in begun(folders))


def begun(folders: list[Path]) -> list[Path]:
    return [folder for folder in folders if events_file(folder).exists()]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE deeds SET name = 'somebody else'",
        "DELETE FROM deeds",
        "TRUNCATE deeds",
        "INSERT INTO deeds VALUES (1, 0, '', 'x', 'x', '', '') "
        "ON CONFLICT (id) DO UPDATE SET name = 'x'",
    ],
)
@pytest.mark.usefixtures("on_postgresql")
def test_no_line_of_the_audit_log_is_ever_changed_or_deleted(statement: str) -> None:
    migrate(get_settings())
    for n in range(2):
        record("renamed", "", f"name {n}")
    before = deeds()
    with (
        pytest.raises(DBAPIError, match="append-only"),
        engine(get_settings()).begin() as connection,
    ):
        connection.execute(text(statement))
    assert deeds() == before
    record("renamed")
    assert len(deeds()) == 3


@pytest.mark.usefixtures("on_postgresql")
def test_two_owners_who_remove_each_other_at_once_leave_one() -> None:
    migrate(get_settings())
    project = create_project("Leaves").id
    add_people("ada", "ben")
    for name in ("ada", "ben"):
        join(project, name, "owner")
    start, refused = threading.Barrier(2), []

    def remove(me: str, other: str) -> None:
        with acting(me):
            start.wait()
            try:
                remove_member(project, other)
            except GraftError as error:
                refused.append(error)

    threads = [
        threading.Thread(target=remove, args=pair) for pair in (("ada", "ben"), ("ben", "ada"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(members(project)) == len(refused) == 1
