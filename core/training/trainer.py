"""The gradient steps of one phase, as a generator of events.

It knows no file, no queue and no screen. To cancel is to stop iterating. Everything random is drawn
from (seed, phase, step), so that a phase continued from its state ends with the very same weights.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn
from torch.nn import functional

from core import seeding
from core.backbones.weights import classifier
from core.errors import Diverged
from core.events import Event, Note, Step, Validated
from core.training.batch_sources import BatchSource
from core.training.checkpoint import under
from core.training.early_stopping import EarlyStopping
from core.training.schedule import Pace, precision, schedule
from core.training.step_batches import StepBatches, pieces_of
from core.training.trainable_parameters import set_trainable
from core.transfer import Batch, FineTuning, GradientPhase, losses

_CLIP = 1.0


class Trainer:
    """One phase being carried out on a network."""

    def __init__(
        self,
        network: nn.Module,
        suffix: nn.Module,
        phase: GradientPhase,
        source: BatchSource,
        options: FineTuning,
        *,
        seed: int,
        number: int,
        repetition: int = 0,
        device: str = "cpu",
        validation: BatchSource | None = None,
        auxiliary: Mapping[str, BatchSource] | None = None,
        teacher_outputs: tuple[torch.Tensor, torch.Tensor] | None = None,
        output_slices: Mapping[str, slice] | None = None,
    ) -> None:
        """`suffix` is the part of `network` that reads what `source` gives; both share weights.

        `auxiliary` is what the phase's objective sees besides, `teacher_outputs` what a teacher
        says about the images of `source`: logits (n, classes) and features (n, d).
        `output_slices` are the outputs that answer each question, where there are several.
        """
        self.network, self.suffix, self.phase, self.source = network, suffix, phase, source
        self.options, self.device, self.validation = options, device, validation
        self.output_slices = output_slices or {"": slice(None)}
        self.seed = seeding.derive(seed, "phase", number, repetition)
        self.batches = StepBatches(
            source, auxiliary or {}, teacher_outputs, size=options.batch, seed=self.seed
        )
        self.repetition, self.step, self.validated_at, self.pieces = repetition, 0, -1, 1
        self.trained = [p for group in phase.groups for p in group["params"]]
        set_trainable(network, suffix, self.trained, from_scratch=phase.from_scratch)
        self.objective = phase.objective or losses.of_labels(options.label_smoothing)
        if isinstance(self.objective, nn.Module):
            self.objective.to(device)
        self.features = torch.empty(0)
        self.average = [p.detach().clone() for p in self.trained]
        changing = network.buffers() if phase.from_scratch else ()
        self.statistics = [buffer for buffer in changing if buffer.is_floating_point()]
        # A phase that leaves the classifier as it is has something else to learn than the classes.
        classifies = (options.dropout or options.patience) and self._trains_the_classifier()
        self.dropout = options.dropout if classifies else 0.0
        patience = options.patience if classifies and validation else 0
        self.early_stopping = EarlyStopping(patience) if patience else None
        self.weights = self._class_weights() if options.balanced else None
        self.observed_classes = self._observed_classes() if teacher_outputs else None
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
        pace = Pace()
        while True:
            if self.validation and self._validation_is_due():
                seen = self._validate(self.validation, before + self.step)
                if self.step or not self.repetition:  # that one was seen when it began first
                    yield seen
            if self.finished:
                break
            loss, accuracy, note = self._one_step()
            if note:
                yield note
            if not math.isfinite(loss):
                raise Diverged(
                    f"Training diverged at step {before + self.step}: the loss is no longer a "
                    f"number. Choose a smaller learning rate than {self.options.lr:g} and "
                    "start again."
                )
            left = pace.seconds(total - before - self.step)
            yield Step(before + self.step, total, loss, accuracy, left)
        if self.early_stopping and self.validation:
            at, n = before + self.step, len(self.validation)
            if sentence := self.early_stopping.sentence(at, total, before, n):
                yield Note(sentence)

    @property
    def finished(self) -> bool:
        """Whether no step is left to do."""
        over = self.early_stopping and self.early_stopping.over
        return self.step >= self.phase.steps or bool(over)

    def settle(self) -> None:
        """Make the running average the network's weights; with early stopping, the best one."""
        self._put((self.early_stopping.best if self.early_stopping else None) or self.average)

    def _put(self, values: list[torch.Tensor]) -> None:
        with torch.no_grad():
            # Statistics only where those of that moment are known.
            for tensor, value in zip([*self.trained, *self.statistics], values, strict=False):
                tensor.copy_(value)
        self.network.eval()
        self.suffix.eval()

    def state(self) -> dict[str, torch.Tensor]:
        """Everything but the network's own weights: moments, averages and the step's number."""
        numbers = {"step": self.step, "pieces": self.pieces, "validated_at": self.validated_at}
        tensors = {name: torch.tensor(number) for name, number in numbers.items()}
        if self.early_stopping:
            best = self.early_stopping.state()
            tensors |= {f"best.{name}": value for name, value in best.items()}
        if isinstance(self.objective, nn.Module):
            kept = self.objective.state_dict()
            tensors |= {f"objective.{name}": value for name, value in kept.items()}
        for index, (parameter, average) in enumerate(zip(self.trained, self.average, strict=True)):
            tensors[f"average.{index}"] = average
            for name, value in self.optimizer.state.get(parameter, {}).items():
                tensors[f"adam.{index}.{name}"] = value
        return tensors

    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from what `state` returned, on a network with the weights of that moment."""
        self.step, self.pieces = int(state["step"]), int(state["pieces"])
        self.validated_at = int(state["validated_at"])
        if self.early_stopping:
            self.early_stopping.load(under(state, "best."), self.device)
        if isinstance(self.objective, nn.Module):
            self.objective.load_state_dict(under(state, "objective."))
        for index, parameter in enumerate(self.trained):
            self.average[index] = state[f"average.{index}"].to(parameter.device).clone()
            if moments := under(state, f"adam.{index}."):
                self.optimizer.state[parameter] = {
                    # The step, too: one kernel for all weights (fused) reads it on the device.
                    name: value.to(parameter.device).clone()
                    for name, value in moments.items()
                }

    def _one_step(self) -> tuple[float, float, Note | None]:
        note, before = None, self._objective_state()
        while True:
            try:
                loss, accuracy = self._gradients()
                break
            except torch.cuda.OutOfMemoryError:
                if self.pieces >= self.options.batch:
                    raise
            note = self._halve(before)
        progress = self.step / self.phase.steps
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * schedule(progress)
        nn.utils.clip_grad_norm_(self.trained, _CLIP)
        self.optimizer.step()
        self.step += 1
        keep = min(self.options.ema, self.step / (self.step + 9))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.trained], 1 - keep)
        return loss, accuracy, note

    def _halve(self, before: Mapping[str, torch.Tensor]) -> Note:
        """Let half as many images through at a time from now on, from where this step began.

        To be called once the error is gone: it holds on to everything that filled the memory.
        """
        self.optimizer.zero_grad()
        self.features = torch.empty(0)
        torch.cuda.empty_cache()
        if isinstance(self.objective, nn.Module):
            for name, buffer in self.objective.named_buffers():
                buffer.copy_(before[name])
        self.pieces *= 2
        size = math.ceil(self.options.batch / self.pieces)
        return Note(
            f"The GPU's memory is full, so images now go through {size} at a time. The "
            "result is the same; it takes a little longer."
        )

    def _objective_state(self) -> dict[str, torch.Tensor]:
        """What the objective remembers, to be put back when a step has to begin again."""
        if not isinstance(self.objective, nn.Module):
            return {}
        return {name: value.clone() for name, value in self.objective.named_buffers()}

    def _gradients(self) -> tuple[float, float]:
        """Mean loss and accuracy of the step's batch, its gradients left on the parameters."""
        seeding.seed_torch(self.seed, "step", self.step)
        self.optimizer.zero_grad()
        empty = torch.empty(0)
        batch = self.batches.batch(
            self.step,
            Batch(
                empty, empty, progress=self.step / self.phase.steps, weights=self.weights,
                output_slices=self.output_slices, observed_classes=self.observed_classes,
            ),
        )  # fmt: skip
        loss_sum = right = torch.zeros((), device=batch.labels.device)
        asked = (batch.labels >= 0).sum()
        with self._beside_the_classifier():
            for piece in pieces_of(batch, self.pieces):
                mean, logits = self.objective(self._forward, piece)
                weight = len(piece.labels) / len(batch.labels)
                (weight * mean).backward()  # type: ignore[no-untyped-call]
                loss_sum = loss_sum + weight * mean.detach()
                right = right + self._right(logits, piece.labels)
        # Together, for a GPU has to be waited for each time that a number is asked of it.
        loss, n_right, n = torch.stack([loss_sum, right.float(), asked.float()]).tolist()
        return loss, n_right / max(1, n)

    def _right(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """How many predictions are right, over all questions."""
        columns = labels.view(len(labels), -1).T
        pairs = zip(self.output_slices.values(), columns, strict=True)
        return torch.stack([(logits[:, own].argmax(1) == true).sum() for own, true in pairs]).sum()

    def _forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with precision(self.device):
            logits = self.suffix(inputs)
        return logits.float(), self.features.float()

    def _class_weights(self) -> torch.Tensor:
        """A weight for each output; those of each question by themselves."""
        labels = self.source.labels
        weights = torch.ones(classifier(self.network).out_features, device=labels.device)
        columns = labels.view(len(labels), -1).T
        for outputs, own in zip(self.output_slices.values(), columns, strict=True):
            weights[outputs] = losses.class_weights(own[own >= 0], len(weights[outputs]))
        return weights

    def _observed_classes(self) -> torch.Tensor:
        """Which classes of the one question there is are learned from."""
        classes = classifier(self.network).out_features
        return self.source.labels.bincount(minlength=classes) > 0

    def _trains_the_classifier(self) -> bool:
        trained = {id(p) for p in self.trained}
        return any(id(p) in trained for p in classifier(self.network).parameters())

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

    def _validation_is_due(self) -> bool:
        every = max(1, self.phase.steps // 12)
        due = self.step % every == 0 or self.step == self.phase.steps
        return due and self.validated_at != self.step

    def _validate(self, validation: BatchSource, step: int) -> Validated:
        """Scores of the running average; they leave no trace but in the early stopping."""
        raw = [p.detach().clone() for p in self.trained]
        modes = [(module, module.training) for module in self.network.modules()]
        self._put(self.average)
        seen = self._scores(validation, step)
        self._put(raw)
        for module, mode in modes:
            module.training = mode
        self.validated_at = self.step
        if self.early_stopping:
            weights = [*self.average, *self.statistics]
            self.early_stopping.see(self.step, seen.loss, weights)
        return seen

    @torch.no_grad()
    def _scores(self, validation: BatchSource, step: int) -> Validated:
        loss = right = 0.0
        asked = 0
        for inputs, labels in validation.plain():
            logits = self.suffix(inputs).float()
            columns = labels.view(len(labels), -1).T
            for outputs, own in zip(self.output_slices.values(), columns, strict=True):
                weights = None if self.weights is None else self.weights[outputs]
                sum_ = functional.cross_entropy(
                    logits[:, outputs], own, weights, reduction="sum", ignore_index=-1
                )
                loss += float(sum_)
            right += float(self._right(logits, labels))
            asked += int((labels >= 0).sum())
        return Validated(step, loss / max(1, asked), right / max(1, asked), len(validation))
