"""The gradient steps of one phase, as a generator of events.

It knows no file, no queue and no screen. To cancel is to stop iterating. Everything random is drawn
from (seed, phase, step), so that a phase continued from its state ends with the very same weights.
"""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional

from core.backbones.weights import classifier
from core.errors import Diverged
from core.events import Event, Note, Step, Watched
from core.strategies import Batch, FineTuning, Forward, Objective, Phase
from core.training.batch_sources import Source
from core.training.checkpoint import under
from core.training.early_stopping import Patience
from core.training.trainable_parameters import select
from core.transfer import losses

_WARM_UP = 0.1
_CLIP = 1.0
_APART = 1_000_000_000_039
"""Between the seeds of a phase and of its repetitions."""


class Trainer:
    """One phase being carried out on a network."""

    def __init__(
        self,
        network: nn.Module,
        suffix: nn.Module,
        phase: Phase,
        source: Source,
        options: FineTuning,
        *,
        seed: int,
        number: int,
        repetition: int = 0,
        device: str = "cpu",
        watched: Source | None = None,
        streams: Mapping[str, Source] | None = None,
        taught: tuple[torch.Tensor, torch.Tensor] | None = None,
        heads: Mapping[str, slice] | None = None,
    ) -> None:
        """`suffix` is the part of `network` that reads what `source` gives; both share weights.

        `streams` are what the phase's objective sees besides, `taught` what a teacher says about
        the pictures of `source`: logits (n, classes) and features (n, d). `heads` are the outputs
        that answer each question, where there are several.
        """
        self.network, self.suffix, self.phase, self.source = network, suffix, phase, source
        self.options, self.device, self.watched = options, device, watched
        self.streams, self.taught = streams or {}, taught
        self.heads = heads or {"": slice(None)}
        self.seed = seed * 1_000_003 + number * 10_007 + repetition * _APART
        self.repetition = repetition
        self.step = 0
        self.looked = -1
        self.pieces = 1
        self.trained = [p for group in phase.groups for p in group["params"]]
        select(network, suffix, self.trained, fresh=phase.fresh)
        self.objective = phase.objective or cross_entropy(options.label_smoothing)
        self.features = torch.empty(0)
        if isinstance(self.objective, nn.Module):
            self.objective.to(device)
        self.average = [p.detach().clone() for p in self.trained]
        changing = network.buffers() if phase.fresh else ()
        self.statistics = [buffer for buffer in changing if buffer.is_floating_point()]
        # A phase that leaves the classifier as it is has something else to learn than the classes.
        teaches = (options.dropout or options.patience) and self._teaches()
        self.dropout = options.dropout if teaches else 0.0
        looks = options.patience if teaches and watched else 0
        self.patience = Patience(looks) if looks else None
        self.weights = self._class_weights() if options.balanced else None
        self.shown = self._shown() if taught else None
        self.optimizer = torch.optim.AdamW(
            [dict(group) for group in phase.groups],
            weight_decay=options.weight_decay,
            fused=device != "cpu",
        )
        self.peaks = [group["lr"] for group in self.optimizer.param_groups]

    def run(self, *, before: int = 0, of: int | None = None) -> Iterator[Event]:
        """Carry out the steps that are left. `before` and `of` count over all phases.

        Raises Diverged when the loss is no longer finite.
        """
        total = of or self.phase.steps
        pace = _Pace()
        while True:
            if self.watched and self._should_look():
                seen = self._look(before + self.step)
                if self.step or not self.repetition:  # that one was seen when it began first
                    yield seen
            if self.finished:
                break
            loss, accuracy, note = self._one_step()
            if note:
                yield note
            if not math.isfinite(loss):
                raise Diverged(
                    f"The learning ran away at step {before + self.step}: the loss is no longer a "
                    f"number. Choose a smaller learning rate than {self.options.lr:g} and start "
                    "again."
                )
            left = pace.seconds(total - before - self.step)
            yield Step(before + self.step, total, loss, accuracy, left)
        if self.patience and self.watched:
            at, n = before + self.step, len(self.watched)
            if said := self.patience.said(at, total, before, n):
                yield Note(said)

    @property
    def finished(self) -> bool:
        """Whether no step is left to do."""
        return self.step >= self.phase.steps or bool(self.patience and self.patience.over)

    def settle(self) -> None:
        """Make the running average the network's weights; with patience, the best one seen."""
        self._put((self.patience.best if self.patience else None) or self.average)

    def _put(self, values: list[torch.Tensor]) -> None:
        with torch.no_grad():
            # Statistics only where those of that moment are known.
            for tensor, value in zip([*self.trained, *self.statistics], values, strict=False):
                tensor.copy_(value)
        self.network.eval()
        self.suffix.eval()

    def state(self) -> dict[str, torch.Tensor]:
        """Everything but the network's own weights: moments, averages and the step's number."""
        numbers = {"step": self.step, "pieces": self.pieces, "looked": self.looked}
        tensors = {name: torch.tensor(number) for name, number in numbers.items()}
        if self.patience:
            tensors |= {f"best.{name}": value for name, value in self.patience.state().items()}
        if isinstance(self.objective, nn.Module):
            kept = self.objective.state_dict()
            tensors |= {f"objective.{name}": value for name, value in kept.items()}
        for place, (parameter, average) in enumerate(zip(self.trained, self.average, strict=True)):
            tensors[f"average.{place}"] = average
            for name, value in self.optimizer.state.get(parameter, {}).items():
                tensors[f"adam.{place}.{name}"] = value
        return tensors

    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from what `state` returned, on a network with the weights of that moment."""
        self.step, self.pieces = int(state["step"]), int(state["pieces"])
        self.looked = int(state.get("looked", state["step"]))
        if self.patience:
            self.patience.load(under(state, "best."), self.device)
        if isinstance(self.objective, nn.Module):
            self.objective.load_state_dict(under(state, "objective."))
        for place, parameter in enumerate(self.trained):
            self.average[place] = state[f"average.{place}"].to(parameter.device).clone()
            if moments := under(state, f"adam.{place}."):
                self.optimizer.state[parameter] = {
                    name: value.to(parameter.device).clone() if name != "step" else value.clone()
                    for name, value in moments.items()
                }

    def _one_step(self) -> tuple[float, float, Note | None]:
        note = None
        while True:
            try:
                loss, accuracy = self._gradients()
                break
            except torch.cuda.OutOfMemoryError:
                torch.cuda.empty_cache()
                if self.pieces >= self.options.batch:
                    raise
                self.pieces *= 2
                size = math.ceil(self.options.batch / self.pieces)
                note = Note(
                    f"The GPU's memory is full: pictures now go through {size} at a time. The "
                    "result stays the same; it takes a little longer."
                )
        progress = self.step / self.phase.steps
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * schedule(progress)
        nn.utils.clip_grad_norm_(self.trained, _CLIP)
        self.optimizer.step()
        self.step += 1
        keep = min(self.options.ema, self.step / (self.step + 9))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.trained], 1 - keep)
        return loss, accuracy, note

    def _gradients(self) -> tuple[float, float]:
        """Mean loss and accuracy of the step's batch, its gradients left on the parameters."""
        generator = torch.Generator().manual_seed(self.seed + 2 * self.step + 1)
        torch.manual_seed(self.seed + 2 * self.step + 1)
        self.optimizer.zero_grad()
        batch = self._batch(generator)
        loss_sum = right = torch.zeros((), device=batch.labels.device)
        asked = int((batch.labels >= 0).sum())
        with self._beside_the_classifier():
            for part in self._parts(batch):
                loss, logits = self.objective(self._forward, part)
                share = len(part.labels) / len(batch.labels)
                (share * loss).backward()  # type: ignore[no-untyped-call]
                loss_sum = loss_sum + share * loss.detach()
                right = right + self._right(logits, part.labels)
        return float(loss_sum), float(right) / max(1, asked)

    def _right(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """How many answers are right, over all questions."""
        columns = labels.view(len(labels), -1).T
        pairs = zip(self.heads.values(), columns, strict=True)
        return torch.stack([(logits[:, rows].argmax(1) == own).sum() for rows, own in pairs]).sum()

    def _batch(self, generator: torch.Generator) -> Batch:
        """This step's pictures; streams of the same images go in step."""
        chosen = self._chosen(len(self.source), 0)
        inputs, labels = self.source.batch(chosen, generator)
        streams = {
            name: stream.batch(self._chosen(len(stream), 7), generator)
            for name, stream in self.streams.items()
        }
        taught = None
        if self.taught:
            logits, features = (each[chosen.to(each.device)] for each in self.taught)
            taught = (logits, features)
        progress = self.step / self.phase.steps
        return Batch(
            inputs, labels, streams, taught, progress, self.heads, self.weights, self.shown
        )

    def _parts(self, batch: Batch) -> Iterator[Batch]:
        """The batch in as many pieces as the memory asks for."""
        if self.pieces == 1:
            yield batch
            return
        split = {name: _pieces(pair, self.pieces) for name, pair in batch.streams.items()}
        taught = _pieces(batch.taught, self.pieces) if batch.taught else None
        for number, (inputs, labels) in enumerate(
            _pieces((batch.inputs, batch.labels), self.pieces)
        ):
            streams = {name: pairs[number % len(pairs)] for name, pairs in split.items()}
            own = taught[number] if taught else None
            yield replace(batch, inputs=inputs, labels=labels, streams=streams, taught=own)

    def _forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with precision(self.device):
            logits = self.suffix(inputs)
        return logits.float(), self.features.float()

    def _class_weights(self) -> torch.Tensor:
        """A weight for each output; those of each question by themselves."""
        labels = self.source.labels
        weights = torch.ones(classifier(self.network).out_features, device=labels.device)
        for rows, own in zip(self.heads.values(), labels.view(len(labels), -1).T, strict=True):
            weights[rows] = losses.class_weights(own[own >= 0], len(weights[rows]))
        return weights

    def _shown(self) -> torch.Tensor:
        """Which classes of the one question there is are learned from."""
        classes = classifier(self.network).out_features
        return self.source.labels.bincount(minlength=classes) > 0

    def _teaches(self) -> bool:
        learned = {id(p) for p in self.trained}
        return any(id(p) in learned for p in classifier(self.network).parameters())

    def _beside_the_classifier(self) -> AbstractContextManager[object]:
        """While it lasts, features are remembered and some of them hidden from the classifier."""
        if self.phase.objective is None and not self.dropout:  # cross-entropy asks for no features
            return nullcontext()
        return classifier(self.network).register_forward_pre_hook(self._before)

    def _before(
        self, _module: nn.Module, inputs: tuple[torch.Tensor]
    ) -> tuple[torch.Tensor] | None:
        """Dropout (Srivastava et al. 2014, JMLR 15). As a hook it leaves no trace in the network,
        and acts in every architecture, also where a traced suffix has fixed what timm's would."""
        self.features = inputs[0]
        return (functional.dropout(inputs[0], self.dropout),) if self.dropout else None

    def _chosen(self, n: int, salt: int) -> torch.Tensor:
        """The indices of this step's pictures: every picture once before any comes again."""
        size = min(self.options.batch, n)
        an_epoch = n // size
        epoch, place = divmod(self.step, an_epoch)
        chance = torch.Generator().manual_seed(self.seed + 2 * epoch + 1_000_000_007 * salt)
        order = torch.randperm(n, generator=chance)
        return order[place * size : (place + 1) * size]

    def _should_look(self) -> bool:
        every = max(1, self.phase.steps // 12)
        due = self.step % every == 0 or self.step == self.phase.steps
        return due and self.looked != self.step

    def _look(self, step: int) -> Watched:
        seen = self._watch(step)
        self.looked = self.step
        if self.patience:
            self.patience.see(self.step, seen.loss, [*self.average, *self.statistics])
        return seen

    @torch.no_grad()
    def _watch(self, step: int) -> Watched:
        """Scores of the running average on the pictures that are only watched."""
        watched = self.watched
        if watched is None:
            raise ValueError("nothing to watch")
        raw = [p.detach().clone() for p in self.trained]
        modes = [(module, module.training) for module in self.network.modules()]
        self._put(self.average)
        loss = right = 0.0
        asked = 0
        for inputs, labels in watched.plain():
            logits = self.suffix(inputs).float()
            for rows, own in zip(self.heads.values(), labels.view(len(labels), -1).T, strict=True):
                weights = None if self.weights is None else self.weights[rows]
                loss += float(
                    functional.cross_entropy(
                        logits[:, rows], own, weights, reduction="sum", ignore_index=-1
                    )
                )
            right += float(self._right(logits, labels))
            asked += int((labels >= 0).sum())
        self._put(raw)
        for module, mode in modes:
            module.training = mode
        return Watched(step, loss / max(1, asked), right / max(1, asked), len(watched))


def _pieces(
    pair: tuple[torch.Tensor, torch.Tensor], pieces: int
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    first, second = pair
    return list(zip(first.chunk(pieces), second.chunk(pieces), strict=True))


def cross_entropy(smoothing: float) -> Objective:
    """The usual loss, with a little doubt in the labels."""

    def objective(forward: Forward, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        logits, _ = forward(batch.inputs)
        return losses.cross_entropy(logits, batch.labels, smoothing, batch.weights), logits

    return objective


def schedule(progress: float) -> float:
    """The learning rate as a share of its peak: a linear warm-up, then half a cosine to 0."""
    if progress < _WARM_UP:
        return (progress + 0.01) / (_WARM_UP + 0.01)
    return 0.5 * (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP)))


def precision(device: str) -> torch.autocast:
    """bfloat16 arithmetic where the hardware has it, float32 elsewhere; weights stay float32."""
    kind = "cuda" if device.startswith("cuda") else "cpu"
    if kind == "cuda":
        able = torch.cuda.is_bf16_supported()
    else:
        able = bool(torch.cpu._is_avx512_bf16_supported())
    return torch.autocast(kind, torch.bfloat16, enabled=able)


class _Pace:
    """Seconds that are left, from how long the latest steps took."""

    def __init__(self) -> None:
        self.last = time.monotonic()
        self.each: float | None = None

    def seconds(self, steps: int) -> float:
        now = time.monotonic()
        took, self.last = now - self.last, now
        self.each = took if self.each is None else 0.9 * self.each + 0.1 * took
        return round(self.each * steps, 1)
