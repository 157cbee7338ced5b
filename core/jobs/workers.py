"""Who serves a home: each worker's slot, device and memory, and the jobs that it runs.

A worker notes about itself what no other machine can see, in a file beside its lock. Whether it
lives is told by the lock alone.
"""

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

from core.errors import GraftError, NotFound
from core.files import read_sealed, replace_file, sealed
from core.jobs.folder import name_of, possible_paths
from core.jobs.lock import is_held, known_slots, old_lock, slot_file, slot_lock
from core.jobs.recovery import begun, slot_of
from core.jobs.slots import Slot, machine_of
from core.jobs.spec import JobSpec
from core.settings import Settings
from core.storage import shared_storage

_NOTE_SECONDS = 30.0
_NOTE = ".json"


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job that a worker has begun and not ended."""

    folder: str
    """Within the home, like "runs/<id>"."""
    kind: str
    """As in core.jobs.kinds; empty where its folder is not there."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A living worker."""

    slot: str
    machine: str
    device: str
    """"cpu", "cpu-2" (another share of the processor) or "cuda:0"."""
    pid: int
    """Its process on that machine; 0 where it has not told yet."""
    since: float
    """Seconds since 1970 at which it began; 0 where it has not told yet."""
    memory: int | None
    """Bytes, of all its processes; on another machine as it told at most a minute ago."""
    jobs: tuple[RunningJob, ...]


class Presence:
    """What a worker tells of itself."""

    def __init__(self, settings: Settings, slot: Slot) -> None:
        self._file = slot_file(settings.home, slot.name, _NOTE)
        self._known = {"machine": slot.machine, "device": slot.place, "pid": os.getpid()}
        self._slot, self._shared = slot.name, shared_storage(settings)
        self._since = time.time()
        self._told = float("-inf")

    def tell(self) -> None:
        """Write it down, if half a minute has passed. A full disk harms nobody."""
        if time.monotonic() - self._told < _NOTE_SECONDS:
            return
        self._told = time.monotonic()
        note = {**self._known, "since": self._since, "memory": memory_of(os.getpid())}
        if self._shared:
            with suppress(GraftError):
                self._shared.note_slot(self._slot, json.dumps(note))
            return
        with suppress(OSError):
            replace_file(self._file, sealed(json.dumps(note)))


def workers(settings: Settings) -> list[Worker]:
    """All living workers of a home, by their slots. Raises GraftError when the queue cannot be
    asked. One from before there were slots is named "worker"."""
    alive = [each for each in known_slots(settings.home) if _lives(settings, each)]
    old = is_held(old_lock(settings.home))
    if not alive and not old:
        return []
    jobs: dict[str | None, list[RunningJob]] = {}
    for each in begun(settings):
        slot = slot_of(settings, each.executor_id or "")
        jobs.setdefault(slot, []).append(_job(settings, each.workflow_id))
    found = [_worker(settings, slot, tuple(jobs.get(slot, ()))) for slot in alive]
    if old:
        found.append(Worker("worker", "", "", 0, 0.0, None, tuple(jobs.get(None, ()))))
    return found


def memory_of(pid: int) -> int | None:
    """Bytes that a process and all below it take together, what they share counted once where the
    system tells that; None where it has ended."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return None
    taken = 0
    for each in family:
        with suppress(psutil.Error, OSError):
            full = each.memory_full_info() if psutil.LINUX else each.memory_info()
            taken += getattr(full, "pss", full.rss)
    return taken


def _lives(settings: Settings, slot: str) -> bool:
    return is_held(slot_lock(settings.home, slot))


def _worker(settings: Settings, slot: str, jobs: tuple[RunningJob, ...]) -> Worker:
    machine, _, place = slot.partition("_")
    told = _note(settings, slot)
    pid, since, memory = told.get("pid"), told.get("since"), told.get("memory")
    pid = pid if isinstance(pid, int) else 0
    if machine == machine_of(settings):
        memory = memory_of(pid) if pid > 0 else None
    return Worker(
        slot=slot,
        machine=machine,
        device=place.replace("cuda-", "cuda:"),
        pid=pid,
        since=float(since) if isinstance(since, int | float) else 0.0,
        memory=memory if isinstance(memory, int) else None,
        jobs=jobs,
    )


def _note(settings: Settings, slot: str) -> dict[str, Any]:
    try:
        shared = shared_storage(settings)
        file = slot_file(settings.home, slot, _NOTE)
        told = json.loads(shared.slot_note(slot) if shared else read_sealed(file))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _job(settings: Settings, queue_id: str) -> RunningJob:
    run, job = possible_paths(settings.home, queue_id.partition(".")[0])
    folder = run if run.is_dir() else job
    try:
        return RunningJob(name_of(folder), JobSpec.read(folder).kind)
    except NotFound:
        return RunningJob(name_of(folder), "")
