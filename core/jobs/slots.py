"""The slots of a machine: each is one device, or one share of the processor, and has one worker."""

import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from core.settings import Settings

_COUNT = "import torch; print(torch.cuda.device_count())"
_COUNT_SECONDS = 120
_SIGNS_OF_A_GPU = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


@dataclass(frozen=True, slots=True)
class Slot:
    """One of them."""

    machine: str
    """Letters, digits and hyphens: the machine's among those that share a home."""
    place: str
    """"cpu", "cpu-2" and so on, or as torch names a GPU: "cuda:0"."""

    @property
    def name(self) -> str:
        """What its files in the home are named after."""
        return f"{self.machine}_{self.place.replace(':', '-')}"

    def of(self, settings: Settings) -> Settings:
        """The settings for its jobs: they run on its device."""
        if not self.place.startswith("cuda:"):
            return settings
        return settings.model_copy(update={"device": self.place})

    def share_processor(self, settings: Settings) -> None:
        """Keep this process, and all that it starts, on its share of the processor's cores, where
        several slots share them and the system can. All shares are of one size."""
        if settings.cpu_slots == 1 or not self.place.startswith("cpu"):
            return
        if sys.platform != "linux":
            return
        cores = sorted(os.sched_getaffinity(0))
        number = int(self.place.partition("-")[2] or 1) - 1
        share = max(1, len(cores) // settings.cpu_slots)
        first = number * share % len(cores)
        os.sched_setaffinity(0, cores[first : first + share])


def machine_of(settings: Settings) -> str:
    """This machine's name: the one given, or the first part of its host name, which stays the same
    whatever network a laptop is in."""
    name = settings.machine or socket.gethostname().partition(".")[0]
    return re.sub(r"[^a-z0-9-]+", "-", name.lower()) or "machine"


def slots(settings: Settings) -> list[Slot]:
    """What this machine has: its GPUs, or the processor where there are none or none is wanted."""
    return [Slot(machine_of(settings), place) for place in _places(settings)]


def slot_at(place: str, settings: Settings) -> Slot:
    """The slot of this machine at one of the places that `slots` gave."""
    if not re.fullmatch(r"cpu(-\d{1,3})?|cuda:\d{1,3}", place):
        raise ValueError(f"no slot: {place!r}")
    return Slot(machine_of(settings), place)


def _places(settings: Settings) -> list[str]:
    wanted = settings.device
    if re.fullmatch(r"cuda:\d{1,3}", wanted):
        return [wanted]
    asked = wanted == "cuda" or (wanted == "auto" and _may_have_gpu())
    if asked and (gpus := _gpus() or int(wanted == "cuda")):  # one that is not there: the jobs tell
        return [f"cuda:{number}" for number in range(gpus)]
    more = [f"cpu-{number}" for number in range(2, settings.cpu_slots + 1)]
    return ["cpu", *more]


def _may_have_gpu() -> bool:
    """Whether it is worth asking torch, which takes seconds."""
    signs = any(Path(each).exists() for each in _SIGNS_OF_A_GPU)
    return signs or os.name == "nt"


def _gpus() -> int:
    """How many torch finds, in a process of its own: the worker itself never loads it."""
    try:
        told = subprocess.run(
            [sys.executable, "-c", _COUNT],
            capture_output=True,
            text=True,
            timeout=_COUNT_SECONDS,
            check=True,
        ).stdout
        return int(told.split()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0
