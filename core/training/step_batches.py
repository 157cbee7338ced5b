"""What each gradient step sees, drawn from its number alone, so that it can be drawn again."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch

from core import seeding
from core.training.batch_sources import BatchSource
from core.transfer import Batch

Pair = tuple[torch.Tensor, torch.Tensor]


class StepBatches:
    """The batches of one phase."""

    def __init__(
        self,
        source: BatchSource,
        auxiliary: Mapping[str, BatchSource],
        teacher_outputs: Pair | None,
        *,
        size: int,
        seed: int,
    ) -> None:
        """`seed` is the phase's own; of auxiliary data of the same images, all go in step."""
        self.source, self.auxiliary, self.teacher_outputs = source, auxiliary, teacher_outputs
        self.size, self.seed = size, seed

    def batch(self, step: int, usual: Batch) -> Batch:
        """The batch of a step, with whatever else `usual` says."""
        generator = seeding.torch_generator(self.seed, "variations", step)
        chosen = self.chosen(step, len(self.source), "train")
        inputs, labels = self.source.batch(chosen, generator)
        auxiliary = {
            name: more.batch(self.chosen(step, len(more), "auxiliary"), generator)
            for name, more in self.auxiliary.items()
        }
        outputs = None
        if self.teacher_outputs:
            logits, features = (each[chosen.to(each.device)] for each in self.teacher_outputs)
            outputs = (logits, features)
        return replace(
            usual, inputs=inputs, labels=labels, auxiliary=auxiliary, teacher_outputs=outputs
        )

    def chosen(self, step: int, n: int, order: str) -> torch.Tensor:
        """Indices of a step's images among n: every image once before any comes again."""
        size = min(self.size, n)
        epoch, position = divmod(step, n // size)
        chance = seeding.torch_generator(self.seed, "order", order, epoch)
        return torch.randperm(n, generator=chance)[position * size : (position + 1) * size]


def pieces_of(batch: Batch, pieces: int) -> Iterator[Batch]:
    """The batch in as many pieces as the memory asks for."""
    if pieces == 1:
        yield batch
        return
    auxiliary = {name: _split(pair, pieces) for name, pair in batch.auxiliary.items()}
    outputs = _split(batch.teacher_outputs, pieces) if batch.teacher_outputs else None
    for number, (inputs, labels) in enumerate(_split((batch.inputs, batch.labels), pieces)):
        yield replace(
            batch, inputs=inputs, labels=labels,
            auxiliary={name: pairs[number % len(pairs)] for name, pairs in auxiliary.items()},
            teacher_outputs=outputs[number] if outputs else None,
        )  # fmt: skip


def _split(pair: Pair, pieces: int) -> list[Pair]:
    first, second = pair
    return list(zip(first.chunk(pieces), second.chunk(pieces), strict=True))
