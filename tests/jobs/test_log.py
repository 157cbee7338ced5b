"""What is written down survives writers that die in mid-line."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from core.events import Finished, Note, Progress, Skipped, Started, Step, Stopped
from core.jobs import log
from core.jobs.summary import JobSummary


def test_events_come_back_as_they_were_written(tmp_path: Path) -> None:
    events = [Started(1.0), Skipped("a\nb|<i>.png", "Broken.\nReally."), Finished(2.0, {"n": 1})]
    for event in events:
        log.append(tmp_path, event)
    assert log.read_events(tmp_path) == (events, log.size(tmp_path))


def test_a_torn_line_is_lost_alone(tmp_path: Path) -> None:
    log.append(tmp_path, Note("one"))
    whole = log.size(tmp_path)
    log.append(tmp_path, Note("torn"))
    os.truncate(log.events_file(tmp_path), whole + 7)
    assert log.read_events(tmp_path) == ([Note("one")], whole)
    log.append(tmp_path, Note("two"))
    assert log.read_events(tmp_path)[0] == [Note("one"), Note("two")]
    assert log.read_events(tmp_path, whole)[0] == [Note("two")]


def test_a_line_that_is_still_being_written_waits_for_its_end(tmp_path: Path) -> None:
    log.append(tmp_path, Note("one"))
    line = log.events_file(tmp_path).read_bytes()
    log.events_file(tmp_path).write_bytes(line + line[:9])
    events, offset = log.read_events(tmp_path)
    assert (events, offset) == ([Note("one")], len(line))
    log.events_file(tmp_path).write_bytes(line + line)
    assert log.read_events(tmp_path, offset) == ([Note("one")], 2 * len(line))


@given(cuts=st.lists(st.integers(0, 400), max_size=6))
def test_no_cut_anywhere_ever_hides_a_later_event(
    tmp_path_factory: "object", cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("log")  # type: ignore[attr-defined]
    for number, cut in enumerate(cuts):
        log.append(folder, Note(f"before {number} é"))
        os.truncate(log.events_file(folder), min(cut, log.size(folder)))
        log.append(folder, Note(f"after {number}"))
        assert log.read_events(folder)[0][-1] == Note(f"after {number}")


def test_events_from_a_newer_version_are_passed_over(tmp_path: Path) -> None:
    log.events_file(tmp_path).write_text('{"event": "Danced"}\n[]\n7\n{"event": []}\n')
    log.append(tmp_path, Note("known"))
    assert log.read_events(tmp_path)[0] == [Note("known")]


def test_work_that_is_done_again_counts_as_no_progress(tmp_path: Path) -> None:
    known = JobSummary()
    for _attempt in range(3):
        for done in (1, 2, 3):
            log.append(tmp_path, Progress("Looking", done, 9))
        log.append(tmp_path, Skipped("a.png", "broken"))
    known.read_on(tmp_path)
    assert known.reached == 4
    log.append(tmp_path, Progress("Looking", 4, 9))
    known.read_on(tmp_path)
    assert known.reached == 5


def test_steps_that_are_repeated_after_a_crash_are_one_point_each(tmp_path: Path) -> None:
    for number in (1, 2, 3, 2, 3, 4):
        log.append(tmp_path, Step(number, 4, 1.0, 0.5, 0.0))
    known = JobSummary()
    known.read_on(tmp_path)
    assert list(known.steps) == [1, 2, 3, 4]


def test_an_end_before_the_present_attempt_does_not_count(tmp_path: Path) -> None:
    log.append(tmp_path, Stopped(3, 9))
    known = JobSummary()
    known.read_on(tmp_path)
    assert known.last_word(since=0) == Stopped(3, 9)
    assert known.last_word(since=log.size(tmp_path)) is None
