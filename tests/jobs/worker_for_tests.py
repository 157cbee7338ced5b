"""A worker whose kinds of job are made for tests: tiny, and able to be killed at chosen places."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core.errors import BadInput, GraftError
from core.events import Event, Finished, Note, PhaseStarted, Started, Step, Stopped
from core.files import replace_file
from core.jobs import ahead, process, worker
from core.settings import Settings, get_settings

ShouldStop = Callable[[], bool]


def count(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """A miniature training: state after step n depends on all steps before; checkpoints each.

    It stands still at the step that the file `hold` names, or before its last one.
    """
    checkpoint = folder / "checkpoint.json"
    step, state = json.loads(checkpoint.read_text()) if checkpoint.exists() else (0, 1)
    yield Started(time.time(), step)
    yield PhaseStarted("Counting", 0, 1, args["steps"])
    while step < args["steps"]:
        if should_stop():
            yield Stopped(step, args["steps"])
            return
        if step >= held_at(folder, args["steps"] - 1):
            time.sleep(0.01)
            continue
        step, state = step + 1, (state * 31 + step) % 1_000_003
        time.sleep(args.get("pace", 0))  # the work
        replace_file(checkpoint, json.dumps([step, state]))
        yield Step(step, args["steps"], 1 / step, 0.5, 0.0)
    yield Finished(1.0, {"state": state})


def held_at(folder: Path, last: int) -> int:
    """The step at which this job has to wait."""
    try:
        return min(last, int((folder / "hold").read_text()))
    except FileNotFoundError:
        return last + 1


def dies(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Always killed at the same place, like a job that needs more memory than there is."""
    yield PhaseStarted("Growing", 0, 1, 10)
    os.kill(os.getpid(), signal.SIGKILL)
    yield Note("never reached")


def refuses(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Something the person can mend."""
    yield Note("before")
    raise BadInput("The picture “<b>x</b>.png” is missing. Bring it again.")


def breaks(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """A mistake of ours."""
    yield Note("before")
    raise ZeroDivisionError("a secret detail")


def fills(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """The disk is full: what is written to this device never fits."""
    yield Note("before")
    Path("/dev/full").write_text("anything")


def deaf(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """As `count`, but stuck after half of its steps in a call that lets nothing else run."""
    import ctypes

    for event in count(folder, args, settings, lambda: False):
        yield event
        if isinstance(event, Step) and event.step * 2 == args["steps"]:
            replace_file(folder / "stuck", "")
            ctypes.PyDLL(None).sleep(600)


def forks(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Starts a process of its own, which must not outlive the job."""
    import subprocess

    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    replace_file(folder / "helper", str(helper.pid))
    yield Note("helper runs")
    while not should_stop():
        time.sleep(0.01)
    yield Stopped(0, 0)


def warm(
    folder: Path, args: dict[str, Any], settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Says what was imported before the job began, then computes with it on several threads."""
    loaded = sorted({"torch", "timm", "openvino"} & sys.modules.keys())
    import numpy as np
    import openvino as ov
    import openvino.opset13 as ops
    import torch

    product = torch.randn(600, 600) @ torch.randn(600, 600)
    x = ops.parameter([1, 8], np.float32)
    compiled = ov.Core().compile_model(ov.Model([ops.relu(x)], [x], "m"), "CPU")
    answer = compiled(np.full((1, 8), 2.0, np.float32))[0]
    yield Finished(
        0.1, {"loaded": loaded, "finite": bool(product.isfinite().all()), "ov": float(answer[0, 0])}
    )


KINDS = {
    "train": count,
    "predict": count,
    "estimate": dies,
    "import": refuses,
    "export": breaks,
    "fills": fills,
    "deaf": deaf,
    "forks": forks,
    "warm": warm,
}


def entry(folder: Path, settings: Settings) -> None:
    """What this worker's children run."""
    process.prepare_process(folder)
    process.run_job(folder, settings, KINDS)


def broken(settings: Settings) -> None:
    """A task of the worker's own that goes wrong."""
    raise RuntimeError("cannot be done ahead")


if __name__ == "__main__":
    heavy = ("torch", "timm", "openvino", "not_there") if "--warm" in sys.argv else ()
    light = ("core.jobs.worker", "core.jobs.process")
    first = {"--ahead": ahead.main, "--broken-ahead": broken}.get(sys.argv[-1])
    patience = 0.5 if "--impatient" in sys.argv else worker.PATIENCE
    try:
        worker.main(
            get_settings(), entry=entry, warm=(*light, *heavy), first=first, patience=patience
        )
    except GraftError as error:
        sys.exit(str(error))
