"""A job done here and now, without queue or worker, as the command line does it."""

import threading
from pathlib import Path

import pytest

from core import jobs
from core.errors import BadInput
from core.events import Event, Finished, Note, Started, Stopped, to_line
from core.jobs import log
from core.jobs.folder import ask_to_stop, spec_file
from core.jobs.kinds.import_images import upload_folder
from core.jobs.process import run_job
from core.jobs.spec import JobSpec
from core.settings import get_settings


def folder_for(*events: Event) -> Path:
    """A job that tells these events."""
    folder = jobs.new_job()
    JobSpec("told", {"lines": [to_line(event) for event in events]}).write(folder)
    return folder


def test_a_beginning_and_an_end_are_always_written(home: Path) -> None:
    folder = folder_for(Note("work"))
    run_job(folder)
    events = jobs.read_events(folder)[0]
    assert [type(event) for event in events] == [Started, Note, Finished]
    run_job(folder)
    assert jobs.read_events(folder)[0] == events
    assert jobs.status(folder).state == "finished"


def test_a_generator_that_begins_by_itself_is_not_begun_twice(home: Path) -> None:
    folder = folder_for(Started(1.0, 7), Finished(3.0))
    run_job(folder)
    assert jobs.read_events(folder)[0] == [Started(1.0, 7), Finished(3.0)]


def test_quick_work_that_knows_nothing_of_stopping_is_stopped_between_events(home: Path) -> None:
    folder = folder_for(Note("one"), Note("two"), Finished(1.0))
    ask_to_stop(folder)
    run_job(folder)
    assert jobs.read_events(folder)[0][1:] == [Note("one"), Stopped(0, 0)]


def test_two_who_do_the_same_job_at_once_do_it_once(home: Path) -> None:
    folder = folder_for(Note("worked"))
    both_there = threading.Barrier(2, timeout=120)

    def do() -> None:
        both_there.wait()
        run_job(folder)

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
        upload_folder(get_settings(), upload)


def test_a_broken_spec_is_no_job(home: Path) -> None:
    folder = jobs.new_job()
    for content in (
        "",
        "[]",
        "{}",
        '{"kind": "train", "args": 7}',
        '{"kind": "train", "since": []}',
    ):
        spec_file(folder).write_text(content)
        run_job(folder)
        assert jobs.status(folder).state == "failed"
        assert "no job in this folder" in jobs.status(folder).sentence
    assert log.read_events(folder)[0]
