"""`workers`: which workers serve the home, on which devices, and what they do."""

from argparse import Namespace
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from core.cli._command import Command
from core.cli._terminal import Terminal
from core.settings import Settings

if TYPE_CHECKING:
    from core.jobs.workers import Worker


def _run(_: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.jobs.workers import workers

    found = workers(settings)
    lines = [_line(each) for each in found]
    terminal.result([asdict(each) for each in found], "\n".join(lines or ["No worker is running."]))
    return 0


def _line(worker: "Worker") -> str:
    since = datetime.fromtimestamp(worker.since).astimezone() if worker.since else None
    jobs = ", ".join(f"{job.kind} {job.folder}".strip() for job in worker.jobs)
    parts = (
        f"{worker.machine} {worker.device}".strip() or worker.slot,
        f"process {worker.pid}" if worker.pid else "",
        f"since {since:%d %B %Y, %H:%M}" if since else "",
        f"{worker.memory / 2**20:.0f} MiB" if worker.memory is not None else "",
        jobs or "no job",
    )
    return "; ".join(part for part in parts if part)


COMMAND = Command("list the workers and what they do", ("workers",), _run, order=52)
