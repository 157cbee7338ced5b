"""What a run's model says about each frame of a camera, for as long as somebody looks."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from core.events import Event, Progress
from core.jobs.frames import clear_frames, next_frame, reply
from core.jobs.kinds import JobKind, RunArgs, ShouldStop
from core.projects import run_folder
from core.settings import Settings

IDLE_SECONDS = 10.0
"""Without a frame for so long, nobody looks any more."""
LONGEST_SECONDS = 900.0
"""Then others who wait have their turn; the page begins anew by itself."""
_MOST_PIXELS = 2_000_000
_MOST_READING_SECONDS = 2.0
_LOOK_SECONDS = 0.005
_NICENESS = 5


def run(
    folder: Path, args: RunArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Load the model once, then answer frame after frame until none comes."""
    from core.analysis.prediction import Predictor

    yield Progress("Getting the model ready", 0, 0)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)  # what somebody waits for, a quick job, comes first
    predictor = Predictor(run_folder(args.run), _bounded(settings))
    yield Progress("Looking through the camera", 0, 0)
    began = last = time.monotonic()
    try:
        while not should_stop() and last - began < LONGEST_SECONDS:
            if frame := next_frame(folder):
                name, content = frame
                reply(folder, name, predictor.answer(name, content))
                last = time.monotonic()
            elif time.monotonic() - last > IDLE_SECONDS:
                return
            else:
                time.sleep(_LOOK_SECONDS)
    finally:
        clear_frames(folder)


def _bounded(settings: Settings) -> Settings:
    """A frame is small: a file that is not may take neither the memory nor the time of one."""
    return settings.model_copy(
        update={
            "max_pixels": min(settings.max_pixels, _MOST_PIXELS),
            "max_reading_seconds": min(settings.max_reading_seconds, _MOST_READING_SECONDS),
        }
    )


KIND = JobKind("live", RunArgs, run, queue="live", stops_itself=True, action="test")
