"""A phase carried out several times from the same start, and the mean of the weights it came to.

Uniform model soup, Wortsman et al. 2022 (arXiv 2203.05482): what is fine-tuned from the same
weights tends to end in one basin, where the mean can lie lower than its parts. Matrices added
beside the weights (LoRA) are averaged as they are, as the running average of the steps does, too.
"""

from collections.abc import Callable, Iterator

import torch
from torch import nn

from core.events import Event, Note
from core.training.checkpoint import under
from core.training.trainer import Trainer
from core.transfer import GradientPhase


class ModelSoup:
    """One phase on a network, once or several times; goes on from its state like a Trainer."""

    def __init__(self, phase: GradientPhase, make: Callable[[int], Trainer]) -> None:
        """`make` gives the trainer of a repetition, counted from 0, on the network as it is."""
        self.n_runs, self.make = phase.n_averaged_runs, make
        self.repetition = self.before = 0
        self.trainer = make(0)
        several = self.trainer.trained if self.n_runs > 1 else []
        self.start = [p.detach().clone() for p in several]
        self.sum = [torch.zeros_like(p) for p in self.start]
        objective = self.trainer.objective
        self.objective_at_start = (
            {name: value.clone() for name, value in objective.state_dict().items()}
            if isinstance(objective, nn.Module)
            else {}
        )

    @property
    def step(self) -> int:
        """Steps done, over all repetitions."""
        return self.before + self.trainer.step

    @property
    def finished(self) -> bool:
        """Whether no step is left to do."""
        return self.repetition + 1 == self.n_runs and self.trainer.finished

    def run(self, *, before: int, of: int) -> Iterator[Event]:
        """Carry out what is left. `before` and `of` count steps over all phases."""
        yield from self.trainer.run(before=before + self.before, of=of)
        while self.repetition + 1 < self.n_runs:
            self._again()
            yield from self.trainer.run(before=before + self.before, of=of)
        if self.n_runs > 1:
            yield Note(
                f"Trained {self.n_runs} times from the same start; the average of the weights "
                "is kept (model soup)."
            )

    def settle(self) -> None:
        """Make the mean of what was carried out to the end the network's weights."""
        self.trainer.settle()
        done = self.repetition + self.trainer.finished
        if self.n_runs > 1 and done:
            if self.trainer.finished:
                self._add()
            self._put([total / done for total in self.sum])

    def state(self) -> dict[str, torch.Tensor]:
        """Everything but the network's own weights."""
        tensors = self.trainer.state() | {"soup": torch.tensor([self.repetition, self.before])}
        if self.n_runs > 1:
            first = self.objective_at_start.items()
            tensors |= {f"first_objective.{name}": value for name, value in first}
        for index, (start, total) in enumerate(zip(self.start, self.sum, strict=True)):
            tensors |= {f"start.{index}": start, f"sum.{index}": total}
        return tensors

    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from what `state` returned, on a network with the weights of that moment."""
        if self.n_runs > 1:
            self.repetition, self.before = map(int, state["soup"])
            self.objective_at_start = under(state, "first_objective.")
            start, total = under(state, "start."), under(state, "sum.")
            for index, own in enumerate(self.start):
                own.copy_(start[str(index)])
                self.sum[index].copy_(total[str(index)])
            self.trainer = self.make(self.repetition)
        self.trainer.load(state)

    def _again(self) -> None:
        """Keep what this repetition came to, and begin the next one where it began."""
        self.trainer.settle()
        self._add()
        self.before += self.trainer.step
        self.repetition += 1
        self._put(self.start)
        if isinstance(self.trainer.objective, nn.Module):
            self.trainer.objective.load_state_dict(self.objective_at_start)
        self.trainer = self.make(self.repetition)

    @torch.no_grad()
    def _add(self) -> None:
        torch._foreach_add_(self.sum, [p.detach() for p in self.trainer.trained])

    @torch.no_grad()
    def _put(self, values: list[torch.Tensor]) -> None:
        for parameter, value in zip(self.trainer.trained, values, strict=True):
            parameter.copy_(value)
