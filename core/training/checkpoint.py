"""The state of a run on disk, replaced whole: from it a run goes on as if never interrupted."""

import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from core import tensors
from core.errors import Damaged
from core.training.checkpoint_file import checkpoint_file
from core.transfer import PhaseResult

_EVERY = 10.0
"""Least seconds between two checkpoints; longer when writing one takes long."""


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run has come, besides the tensors of its network and of its trainer."""

    phase: int = 0
    """The phase that is under way, counted from 0."""
    steps_before: int = 0
    """Gradient steps of the phases before it."""
    step: int = 0
    """Gradient steps done in this phase."""
    seconds: float = 0.0
    """Working time so far."""
    result: PhaseResult = field(default_factory=PhaseResult)
    """What the phases before came to."""

    @property
    def steps_done(self) -> int:
        """Over all phases."""
        return self.steps_before + self.step

    def at(self, step: int) -> "RunState":
        """After so many steps of this phase: one step, and the classifier is another."""
        changed = replace(self.result, is_start=False, out_of_fold=None)
        return replace(self, step=step, result=changed if step else self.result)

    def after(self, result: PhaseResult) -> "RunState":
        """Before the first step of the next phase."""
        merged = result.after(self.result)
        return RunState(self.phase + 1, self.steps_done, 0, self.seconds, merged)


class Checkpoints:
    """The one checkpoint of a run folder, and when to write the next."""

    def __init__(self, folder: Path) -> None:
        self.file = checkpoint_file(folder)
        self.written = time.monotonic()
        self.cost = 0.0

    def due(self) -> bool:
        """Whether enough time has passed that writing costs at most a twentieth of it."""
        return time.monotonic() - self.written >= max(_EVERY, 20 * self.cost)

    def write(self, state: RunState, network: nn.Module, trainer: dict[str, torch.Tensor]) -> None:
        """Replace the checkpoint; a crash in the middle leaves the old one."""
        began = time.monotonic()
        numbers, arrays = _written(state)
        both = {f"network.{name}": value for name, value in network.state_dict().items()}
        both |= {f"trainer.{name}": value for name, value in trainer.items()}
        both |= {f"result.{name}": torch.from_numpy(value) for name, value in arrays.items()}
        # Cloned, because safetensors refuses tensors that share memory.
        both = {n: t.detach().cpu().contiguous().clone() for n, t in both.items()}
        tensors.write(self.file, both, {"state": json.dumps(numbers)})
        self.written = time.monotonic()
        self.cost = self.written - began

    def read(self, network: nn.Module) -> tuple[RunState, dict[str, torch.Tensor]]:
        """Put the checkpoint's weights into the network; the start where there is no usable one.

        One of a version before is none: what was random there was drawn otherwise. Raises Damaged,
        the network being as it was, when the file is not what was written.
        """
        try:
            stored = tensors.read(self.file)
        except FileNotFoundError:
            return RunState(), {}
        if "state" not in stored.metadata:
            return RunState(), {}
        try:
            numbers = json.loads(stored.metadata["state"])
            state = _read(numbers, under(stored.tensors, "result."))
        except (KeyError, TypeError, ValueError) as error:
            raise Damaged(f"“{self.file.name}” is not a checkpoint.") from error
        network.load_state_dict(under(stored.tensors, "network."))
        return state, under(stored.tensors, "trainer.")


def _written(state: RunState) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The state as JSON takes it, and its arrays."""
    result = state.result
    arrays = {f"start.{number}": start for number, start in enumerate(result.start)}
    if result.out_of_fold is not None:
        arrays["out_of_fold"] = result.out_of_fold
    numbers = {
        "phase": state.phase,
        "steps_before": state.steps_before,
        "step": state.step,
        "seconds": state.seconds,
        "result": {"is_start": result.is_start, "mirror": result.mirror},
    }
    return numbers, arrays


def _read(numbers: dict[str, Any], named: dict[str, torch.Tensor]) -> RunState:
    arrays = {name: tensor.numpy() for name, tensor in named.items()}
    out_of_fold = arrays.pop("out_of_fold", None)
    start = tuple(arrays[f"start.{number}"] for number in range(len(arrays)))
    result = PhaseResult(start=start, out_of_fold=out_of_fold, **numbers.pop("result"))
    return RunState(**numbers, result=result)


def under(named: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin so, without that beginning."""
    return {n.removeprefix(prefix): t for n, t in named.items() if n.startswith(prefix)}
