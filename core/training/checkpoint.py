"""The state of a run on disk, replaced whole: from it a run goes on as if never interrupted."""

import json
import os
import secrets
import time
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

_FILE = "checkpoint.safetensors"
_EVERY = 10.0
"""Least seconds between two checkpoints; longer when writing one takes long."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far a run has come, besides its tensors."""

    phase: int = 0
    """The phase that is under way, counted from 0."""
    before: int = 0
    """Gradient steps of the phases before it."""
    step: int = 0
    """Gradient steps done in this phase."""
    seconds: float = 0.0
    """Working time so far."""
    mirror: bool = False
    """What was decided about mirroring."""


class Checkpoints:
    """The one checkpoint of a run folder, and when to write the next."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / _FILE
        self.written = time.monotonic()
        self.cost = 0.0
        self.damaged = False

    def due(self) -> bool:
        """Whether enough time has passed that writing costs at most a twentieth of it."""
        return time.monotonic() - self.written >= max(_EVERY, 20 * self.cost)

    def write(
        self, progressed: Progressed, network: nn.Module, state: dict[str, torch.Tensor]
    ) -> None:
        """Replace the checkpoint; a crash in the middle leaves the old one."""
        began = time.monotonic()
        tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
        tensors |= {f"trainer.{name}": value for name, value in state.items()}
        # Cloned, because safetensors refuses tensors that share memory.
        tensors = {n: t.detach().cpu().contiguous().clone() for n, t in tensors.items()}
        temporary = self.file.with_name(f".{secrets.token_hex(8)}.checkpoint")
        try:
            about = json.dumps(asdict(progressed))
            save_file(tensors, temporary, {"progressed": about, "sum": _sum(about, tensors)})
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            os.replace(temporary, self.file)
        finally:
            temporary.unlink(missing_ok=True)
        self.written = time.monotonic()
        self.cost = self.written - began

    def read(self, network: nn.Module) -> tuple[Progressed, dict[str, torch.Tensor]] | None:
        """Put the checkpoint's weights into the network; None when there is no usable one.

        `damaged` then says whether there is one that cannot be used.
        """
        try:
            with safe_open(self.file, "pt") as stored:
                about = stored.metadata()
                progressed = Progressed(**json.loads(about["progressed"]))
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        except FileNotFoundError:
            return None
        except (SafetensorError, KeyError, TypeError, ValueError):
            self.damaged = True
            return None
        # Earlier versions wrote no sum.
        if len(about) > 1 and about.get("sum") != _sum(about["progressed"], tensors):
            self.damaged = True
            return None
        network.load_state_dict(under(tensors, "network."))
        return progressed, under(tensors, "trainer.")


def _sum(progressed: str, tensors: dict[str, torch.Tensor]) -> str:
    """A checksum over all: the format itself would not notice a bit that flipped."""
    found = zlib.crc32(progressed.encode())
    for name in sorted(tensors):
        found = zlib.crc32(name.encode(), found)
        found = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, found)
    return f"{found:08x}"


def under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin so, without that beginning."""
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
