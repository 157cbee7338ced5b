"""Logs stay short while they grow, and say a thing once."""

import io
import os
import subprocess
import sys
from pathlib import Path

from running_server import ROOT, wait_for

from core.logs import FILE, LONGEST, Sparing, open_log, shorten
from core.settings import Settings


class Clock:
    """A time that only the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_repeated_is_counted_and_told_after_a_minute() -> None:
    out, clock = io.StringIO(), Clock()
    stream = Sparing(out, clock=clock)
    for second in range(313):
        stream.write(f"12:00:{second} the database is away (try {second})\nTraceback\n  line 7\n")
    stream.write("12:01:00 something else\n")
    assert out.getvalue().count("the database is away") == 1
    clock.now = 61.0
    stream.sum_up_the_old()
    assert out.getvalue() == (
        "12:00:0 the database is away (try 0)\nTraceback\n  line 7\n"
        "12:01:00 something else\n"
        "… 312 more times: 12:00:0 the database is away (try 0)\n"
    )


def test_what_is_said_again_later_is_said_again() -> None:
    out, clock = io.StringIO(), Clock()
    stream = Sparing(out, clock=clock)
    for clock.now in (0.0, 59.0, 61.0):
        print("away", file=stream)
    assert out.getvalue() == "away\n… once more: away\naway\n"


def test_nothing_is_lost_that_is_unlike_the_rest() -> None:
    out = io.StringIO()
    stream = Sparing(out)
    letters = [f"{a}{b}{c}" for a in "abcdefgh" for b in "abcdefgh" for c in "abcdefgh"]
    for letter in letters:
        stream.write(f"{letter}\n")
    stream.write("without an end")
    stream.sum_up()
    assert out.getvalue().splitlines() == [*letters, "without an end"]


def test_a_log_that_is_too_long_goes_on_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "web.log"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"a" * 100)
        assert not shorten(path, 100)
        writer.write(b"b")
        assert shorten(path, 100)
        writer.write(b"c")
    assert path.read_bytes() == b"c"
    assert (tmp_path / "web.old.log").read_bytes() == b"a" * 100 + b"b"


def test_a_process_and_its_child_keep_their_log_short_whoever_writes(tmp_path: Path) -> None:
    flood = (
        "import os, subprocess, sys; from core.process import begin; begin()\n"
        "child = 'import os; [os.write(1, bytes(65536)) for _ in range(200)]'\n"
        "for line in sys.stdin.buffer:\n"
        "    subprocess.run([sys.executable, '-c', child])\n"  # as native code would
        "    print(*range(1000))\n"
        "    print('.', end='', file=sys.__stderr__, flush=True)\n"
    )
    settings = Settings(home=tmp_path)
    log = tmp_path / "logs" / "web.log"
    with open_log(settings, "web.log") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", flood],
            cwd=ROOT,
            env=os.environ | {FILE: str(log)},
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
        )
    assert process.stdin is not None
    for _ in range(3):
        process.stdin.write(b"\n")
        process.stdin.flush()
        wait_for(lambda: (tmp_path / "logs" / "web.old.log").exists())
        wait_for(lambda: log.stat().st_size < LONGEST)
        (tmp_path / "logs" / "web.old.log").unlink()
    process.stdin.close()
    assert process.wait(timeout=60) == 0
