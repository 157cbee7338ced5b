"""A job done here and now, without queue or worker, as the command line does it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import jobs
from core.errors import BadInput
from core.events import Event, Finished, Note, Started, Stopped
from core.jobs import kinds, log
from core.jobs.process import run_job
from core.jobs.spec import JobCard
from core.settings import Settings, get_settings

Args = dict[str, Any]


def folder_for(kind: str = "quick") -> Path:
    folder = jobs.new_job()
    JobCard(kind).write(folder)
    return folder


def kinds_of(*events: Event) -> dict[str, kinds.Work]:
    def work(
        folder: Path, args: Args, settings: Settings, stop: kinds.ShouldStop
    ) -> Iterator[Event]:
        yield from events

    return {"quick": work}


def test_a_beginning_and_an_end_are_always_written(home: Path) -> None:
    folder = folder_for()
    run_job(folder, kinds=kinds_of(Note("work")))
    events = jobs.read_events(folder)[0]
    assert [type(event) for event in events] == [Started, Note, Finished]
    run_job(folder, kinds=kinds_of(Note("again")))
    assert jobs.read_events(folder)[0] == events
    assert jobs.status(folder).state == "finished"


def test_a_generator_that_begins_by_itself_is_not_begun_twice(home: Path) -> None:
    folder = folder_for()
    run_job(folder, kinds=kinds_of(Started(1.0, 7), Finished(3.0)))
    assert jobs.read_events(folder)[0] == [Started(1.0, 7), Finished(3.0)]


def test_quick_work_that_knows_nothing_of_stopping_is_stopped_between_events(home: Path) -> None:
    folder = folder_for()
    (folder / "stop").touch()
    run_job(folder, kinds=kinds_of(Note("one"), Note("two"), Finished(1.0)))
    assert jobs.read_events(folder)[0][1:] == [Note("one"), Stopped(0, 0)]


def test_two_who_do_the_same_job_at_once_do_it_once(home: Path) -> None:
    folder = folder_for()
    both_there = threading.Barrier(2, timeout=120)

    def work(
        folder: Path, args: Args, settings: Settings, stop: kinds.ShouldStop
    ) -> Iterator[Event]:
        yield Note("worked")

    def do() -> None:
        both_there.wait()
        run_job(folder, kinds={"quick": work})

    threads = [threading.Thread(target=do) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert jobs.read_events(folder)[0].count(Note("worked")) == 1


@pytest.mark.parametrize("upload", ["../jobs", "..", "", "/etc", "a/b", "missing"])
def test_an_upload_is_a_folder_of_uploads_and_nothing_else(home: Path, upload: str) -> None:
    (home / "uploads").mkdir(parents=True)
    (home / "jobs").mkdir()
    with pytest.raises(BadInput):
        kinds._upload_folder(get_settings(), upload)


def test_every_kind_that_can_be_handed_in_can_be_done() -> None:
    from typing import get_args

    assert set(get_args(jobs.Kind)) == set(kinds.KINDS)


def test_a_broken_card_is_no_job(home: Path) -> None:
    folder = jobs.new_job()
    for content in (
        "",
        "[]",
        "{}",
        '{"kind": "train", "args": 7}',
        '{"kind": "train", "since": []}',
    ):
        (folder / "job.json").write_text(content)
        run_job(folder)
        assert jobs.status(folder).state == "failed"
        assert "no job in this folder" in jobs.status(folder).sentence
    assert log.read_events(folder)[0]
