"""One job, in a process of its own: do the work, write down every event, end in good order."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from core.events import Event, Failed, Finished, Started, Stopped
from core.jobs import log
from core.jobs.failures import failure_of
from core.jobs.folder import asked_to_stop, output_file
from core.jobs.kinds import get_kind
from core.jobs.lock import job_lock
from core.jobs.spec import JobSpec, kind_of
from core.jobs.summary import summary
from core.jobs.tally import count_ended
from core.settings import Settings, get_settings
from core.storage import storage

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5


def main(folder: Path, settings: Settings) -> None:
    """What the worker starts as a child process."""
    prepare_process(folder)
    storage().eager = True  # a job needs all images of its dataset
    run_job(folder, settings)


def prepare_process(folder: Path) -> None:
    """Make this process a job: its own group, its own log, and never longer-lived than the worker.

    The worker may vanish without a word (kill -9). A job that went on alone would keep the next
    worker waiting for the folder, so it ends itself; the checkpoint is where the next one begins.
    """
    out = os.open(output_file(folder), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(out)
    end_with_worker()


def end_with_worker() -> None:
    """A group of its own, which ends when the worker does, for whatever reason that ends."""
    if hasattr(os, "setsid"):
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which ends its jobs
    threading.Thread(target=_end_with_parent, daemon=True, name="end-with-parent").start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    # Its own parent may be the server whose forks all jobs are. Without that, nobody hears when
    # this process ends; the worker takes it for dead already.
    server = os.getppid()
    while parent.is_alive() and os.getppid() == server != 1:
        parent.join(_LOOK_SECONDS)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def run_job(folder: Path, settings: Settings | None = None) -> None:
    """Do the job in this folder, here and now. Every outcome is the last event of its log.

    Waits until no other process works on the folder. A finished job is left alone.
    """
    with job_lock(folder):
        with summary(folder) as known:
            if isinstance(known.ended, Finished):
                return
        log.reserve(folder)
        _drain(folder, settings or get_settings())


def _drain(folder: Path, settings: Settings) -> None:
    began = time.time()
    should_stop = partial(asked_to_stop, folder)
    try:
        with closing(_events(folder, settings, should_stop)) as events:
            for number, event in enumerate(events):
                if number == 0 and not isinstance(event, Started):
                    log.append(folder, Started(began))
                if isinstance(event, Finished):
                    event = replace(event, device=_device_used())
                if isinstance(event, Finished | Failed | Stopped):
                    _end(folder, event, settings)
                    return
                log.append(folder, event)
        missing = Stopped(0, 0) if should_stop() else Finished(time.time() - began)
        _end(folder, missing, settings)
    # The boundary of the job: whatever went wrong is told to the person who waits for it.
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        _LOG.warning("job %s failed: %s", folder.name, type(error).__name__)
        _end(folder, failure_of(error, folder, settings), settings)


def _end(folder: Path, last_word: Event, settings: Settings) -> None:
    log.append(folder, last_word)
    count_ended(settings.home, kind_of(folder), last_word)


def _device_used() -> str:
    """Of the devices that are counted, the one this process has set to work."""
    torch = sys.modules.get("torch")
    return "cuda" if torch is not None and torch.cuda.is_initialized() else ""


def _events(
    folder: Path, settings: Settings, should_stop: Callable[[], bool]
) -> Generator[Event, None, None]:
    spec = JobSpec.read(folder)
    kind = get_kind(spec.kind)
    events = kind.run(folder, kind.checked(spec.args), settings, should_stop)
    if kind.stops_itself:
        yield from events
        return
    for event in events:
        yield event
        if should_stop() and not isinstance(event, Finished):
            yield Stopped(0, 0)
            return
