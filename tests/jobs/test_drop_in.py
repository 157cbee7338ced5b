"""A kind of job is one file: dropped into a folder on the registry's path, a worker does it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import jobs
from core.errors import BadInput, NotFound
from core.jobs import kinds

from .conftest import Workers
from .test_queue import ended, submitted

FILE = '''
"""Double a number, as often as one likes."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from core.events import Event, Finished, Progress
from core.jobs.folder import result_file
from core.jobs.kinds import JobArgs, JobKind, ShouldStop
from core.settings import Settings


class Args(JobArgs):
    """What is doubled."""

    number: int
    times: int = Field(default=1, ge=1, le=10)


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Double it, and write it down."""
    number = args.number
    for done in range(args.times):
        number *= 2
        yield Progress("Doubling", done + 1, args.times)
    result_file(folder, "number.txt").write_text(str(number))
    yield Finished(0.1, {"file": "number.txt", "number": number})


KIND = JobKind("double", Args, run)
'''


@pytest.fixture
def dropped(tmp_path: Path) -> Iterator[Path]:
    """The folder is on the registry's path while the test lasts."""
    folder = tmp_path / "kinds"
    folder.mkdir()
    (folder / "doubling.py").write_text(FILE)
    kinds.__path__.append(str(folder))
    kinds.kinds.cache_clear()
    yield folder
    kinds.__path__.remove(str(folder))
    kinds.kinds.cache_clear()


def test_without_the_file_it_is_not_known(home: Path) -> None:
    with pytest.raises(NotFound, match="“double”"):
        submitted("double", number=3)


def test_with_it_the_job_is_handed_in_done_and_its_file_is_there(
    workers: Workers, dropped: Path
) -> None:
    with pytest.raises(BadInput, match="times"):
        submitted("double", number=3, times=11)
    workers.start(str(dropped))
    folder = submitted("double", number=3, times=4)
    status = ended(folder)
    assert (status.state, status.kind) == ("finished", "double")
    assert status.result == {"file": "number.txt", "number": 48}
    assert (folder / "number.txt").read_text() == "48"


def test_a_worker_that_does_not_know_it_says_so(workers: Workers, dropped: Path) -> None:
    workers.start()
    status = ended(submitted("double", number=3))
    assert (status.state, "“double”" in status.sentence) == ("failed", True)
    assert jobs.status(submitted("double", number=4)).active
