"""A job that many pages want at once is handed in by one of them."""

import subprocess
import sys
from pathlib import Path

from core.jobs.recent import recent_jobs
from core.projects.database import migrate
from core.settings import get_settings

from .conftest import ROOT

ASK = (
    "import sys; from core.jobs.asked_for import asked_for;"
    "print('ready', flush=True); sys.stdin.readline();"
    "print(asked_for('map', dataset='d' * 16, method='pca').name)"
)


def test_of_three_processes_that_ask_at_once_one_hands_it_in(home: Path) -> None:
    migrate(get_settings())
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ASK],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = {process.communicate(timeout=300)[0] for process in processes}
    assert said == {f"{job.name}\n" for job in recent_jobs("map")}
    assert len(said) == 1
