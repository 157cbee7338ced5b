"""The state of a run on disk, replaced whole: from it a run goes on as if never interrupted."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core import tensors
from core.errors import Damaged

if TYPE_CHECKING:
    import torch
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

    def due(self) -> bool:
        """Whether enough time has passed that writing costs at most a twentieth of it."""
        return time.monotonic() - self.written >= max(_EVERY, 20 * self.cost)

    def write(
        self, progressed: Progressed, network: "nn.Module", state: "dict[str, torch.Tensor]"
    ) -> None:
        """Replace the checkpoint; a crash in the middle leaves the old one."""
        began = time.monotonic()
        both = {f"network.{name}": value for name, value in network.state_dict().items()}
        both |= {f"trainer.{name}": value for name, value in state.items()}
        # Cloned, because safetensors refuses tensors that share memory.
        both = {n: t.detach().cpu().contiguous().clone() for n, t in both.items()}
        tensors.write(self.file, both, {"progressed": json.dumps(asdict(progressed))})
        self.written = time.monotonic()
        self.cost = self.written - began

    def read(self, network: "nn.Module") -> "tuple[Progressed, dict[str, torch.Tensor]] | None":
        """Put the checkpoint's weights into the network; None when there is no checkpoint.

        Raises Damaged, the network being as it was, when there is one that cannot be used.
        """
        try:
            stored = tensors.read(self.file)
        except FileNotFoundError:
            return None
        try:
            progressed = Progressed(**json.loads(stored.metadata["progressed"]))
        except (KeyError, TypeError, ValueError) as error:
            raise Damaged(f"“{self.file.name}” is no checkpoint.") from error
        network.load_state_dict(under(stored.tensors, "network."))
        return progressed, under(stored.tensors, "trainer.")


def has_checkpoint(folder: Path) -> bool:
    """Whether a run's folder holds one."""
    return (folder / _FILE).exists()


def discard_checkpoint(folder: Path) -> None:
    """Remove the checkpoint of a run that is finished: its model is saved, so nothing goes on from
    there."""
    (folder / _FILE).unlink(missing_ok=True)


def under(named: "dict[str, torch.Tensor]", prefix: str) -> "dict[str, torch.Tensor]":
    """The tensors whose names begin so, without that beginning."""
    return {n.removeprefix(prefix): t for n, t in named.items() if n.startswith(prefix)}
