"""Starts a process of its own, which must not outlive the job."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from core.events import Event, Note, Stopped
from core.files import replace_file
from core.jobs.kinds import JobArgs, JobKind, ShouldStop
from core.settings import Settings


def run(
    folder: Path, args: JobArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Start it, and wait to be stopped."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    replace_file(folder / "child", str(child.pid))
    yield Note("child runs")
    while not should_stop():
        time.sleep(0.01)
    yield Stopped(0, 0)


KIND = JobKind("forks", JobArgs, run)
