"""The phases of a strategy, and what a run offers them.

A phase owns its work: `run` carries it out and `cost` tells how long that takes, each a generator
of events that needs nothing but its context. Neither a run nor an estimate asks which kind it is.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from core.events import Event

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from core.backbones.catalogue import Backbone
    from core.settings import Settings
    from core.transfer.heads import Head, LinearClassifier

Network: TypeAlias = "nn.Module"
"""Named lazily: listing the strategies must not load torch."""

Group: TypeAlias = dict[str, Any]
"""A torch parameter group: "params", "lr", maybe "weight_decay"."""

Part = Literal["train", "start", "source", "unlabelled"]
"""Images of a run: those learned from, rehearsal included; those that the start is measured on;
those of the source domain; those of the target domain that are seen without a label."""

LOOKING = "Computing features of your images"
"""What takes the time before a classifier can be fitted: features, over all phases."""

Folds: TypeAlias = "list[tuple[list[int], list[int]]]"
"""For each fold the rows to learn from, and those to check with."""


@dataclass(frozen=True)
class PhaseResult:
    """What phases leave behind besides the weights of the network."""

    start: "tuple[np.ndarray, ...]" = ()
    """What the first classifier says about the images of "start", for each head (n, classes): the
    start that the result is compared with. Empty where no phase made one."""
    is_start: bool = False
    """Whether the network is still that start."""
    out_of_fold: "np.ndarray | None" = None
    """What the classifier's folds say about the images learned from (n, classes), each from folds
    that it was not in; None once the network has learned more."""
    mirror: bool | None = None
    """Whether images may be mirrored; None: not decided."""

    def after(self, earlier: "PhaseResult") -> "PhaseResult":
        """This phase's result on top of those before it."""
        mirror = earlier.mirror if self.mirror is None else self.mirror
        return replace(self, start=self.start or earlier.start, mirror=mirror)


class Context(Protocol):
    """What a run offers the phase that it carries out."""

    @property
    def network(self) -> Network:
        """With its classifier."""

    @property
    def heads(self) -> "Sequence[Head]":
        """The questions that it answers."""

    @property
    def backbone(self) -> "Backbone":
        """Which network it is."""

    @property
    def settings(self) -> "Settings":
        """Of this machine."""

    @property
    def makes_start(self) -> bool:
        """Whether no phase before has made a classifier."""

    @property
    def tries_mirroring(self) -> bool:
        """Whether a classifier shall try if images may be mirrored."""

    @property
    def previous_classifier(self) -> "LinearClassifier | None":
        """Of the earlier model that is gone on with."""

    def features(
        self, part: Part, *, view: int = 0, what: str = LOOKING
    ) -> "Generator[Event, None, np.ndarray]":
        """Features (n, d) of these images (by `yield from`); views as in core.features."""

    def labels(self, part: Part, head: "Head") -> "np.ndarray":
        """Class indices (n,) of these images for a head; -1 where the answer is not known."""

    def folds(self, head: "Head") -> Folds:
        """Stratified folds over the images learned from whose answer is known."""

    def start(self) -> "Generator[Event, None, tuple[np.ndarray, ...]]":
        """PhaseResult.start with the heads as they are; nothing when there is a start already."""

    def is_worse(self, labels: "np.ndarray", before: "np.ndarray", after: "np.ndarray") -> bool:
        """Whether the predictions `after` (n,) are right significantly more seldom than those
        `before` (McNemar, 5 %)."""

    def take_steps(self, phase: "GradientPhase") -> Generator[Event, None, None]:
        """Carry out a phase's gradient steps, from its checkpoint where there is one."""


class CostContext(Protocol):
    """What an estimate offers a phase: times of this machine, kept once they were measured."""

    @property
    def tries_mirroring(self) -> bool:
        """As in the run."""

    @property
    def makes_start(self) -> bool:
        """As in the run."""

    def count(self, part: Part) -> int:
        """How many images there are."""

    def looking(self, *parts: Part, views: Sequence[int] = (0,)) -> Generator[Event, None, float]:
        """Seconds for features that are not kept yet."""

    def solving(self, rows: int, *, weighted: bool = False) -> float:
        """Seconds for fitting a classifier to so many rows, some of them counting more or not."""

    def transferring(
        self, part: Part, work: "Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], object]"
    ) -> float:
        """Seconds for work on the features and labels learned from, then on those of a part."""

    def kept(self, what: str, measure: Callable[[], float]) -> float:
        """What was measured before for this phase, else measured now."""

    def steps(self, phase: "GradientPhase") -> Generator[Event, None, float]:
        """Seconds for a phase's gradient steps and all that they need."""


Costs = dict[str, float]
"""Seconds by what takes them."""


@dataclass(frozen=True)
class Phase(ABC):
    """One phase of a strategy."""

    title: str
    """In plain words."""

    @property
    def all_steps(self) -> int:
        """Gradient steps over all repetitions; 0 for a phase solved in one go."""
        return 0

    def require_possible(
        self, classes: Sequence[str], backbone: "Backbone", settings: "Settings"
    ) -> None:
        """Raise BadRecipe or WeightsUnavailable, before the run begins, when it cannot be run."""
        return None

    @abstractmethod
    def run(self, context: Context) -> Generator[Event, None, PhaseResult]:
        """Carry it out on the context's network (by `yield from`)."""

    @abstractmethod
    def cost(self, context: CostContext) -> Generator[Event, None, Costs]:
        """How long `run` will take (by `yield from`)."""


@dataclass(frozen=True, slots=True)
class AuxiliaryData:
    """Images that a phase sees beside those it learns from."""

    of: Literal["unlabelled", "source", "train"]
    """Which: unlabelled target images, the labelled source, or the ones learned from once more."""
    strong: bool = False
    """Whether they are varied strongly. The same images in several roles go in step."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step sees, on the device it trains on."""

    inputs: "Tensor"
    """Images (n, 3, s, s), or what the frozen layers made of them."""
    labels: "Tensor"
    """Class indices (n,); with several heads (n, heads), -1 where an answer is not known."""
    auxiliary: "Mapping[str, tuple[Tensor, Tensor]]" = field(default_factory=dict)
    """Inputs and class indices (-1: none) of each of the phase's auxiliary data."""
    teacher_outputs: "tuple[Tensor, Tensor] | None" = None
    """The teacher's logits for the plain images (n, classes), NaN for classes that it does not
    know, and its features (n, d)."""
    progress: float = 0.0
    """Share of the phase that is done."""
    output_slices: "Mapping[str, slice]" = field(default_factory=lambda: {"": slice(None)})
    """The outputs that answer each question, by its label column."""
    weights: "Tensor | None" = None
    """How much an error on each class counts (classes,); None: all alike."""
    observed_classes: "Tensor | None" = None
    """Of which classes (classes,) there are images to learn from, where there is a teacher."""


Forward: TypeAlias = "Callable[[Tensor], tuple[Tensor, Tensor]]"
"""Inputs to float32 logits (n, classes), and to the features (n, d) that the classifier read."""

Objective: TypeAlias = "Callable[[Forward, Batch], tuple[Tensor, Tensor]]"
"""What a phase makes small: a mean loss, and the logits of the batch's inputs for the curve."""


@dataclass(frozen=True)
class GradientPhase(Phase):
    """Gradient steps. The learning rate warms up, then falls along a cosine to 0.

    A parameter listed in the groups trains; every other is frozen, its module in eval mode.
    """

    steps: int
    groups: Sequence[Group]
    objective: "Objective | None" = None
    """None: cross-entropy with the options' label smoothing. One that is a module is moved to the
    device and kept in checkpoints; its own parameters learn when a group lists them."""
    auxiliary: Mapping[str, AuxiliaryData] = field(default_factory=dict)
    """Further images that the objective sees, by the names it uses for them."""
    on_features: "Callable[[np.ndarray, np.ndarray], None] | None" = None
    """Given the features (n, d) and class indices (n,) of the images learned from before any step;
    what comes of it must be kept in the objective's buffers."""
    uses_teacher: bool = False
    """Whether the objective reads the teacher's outputs."""
    from_scratch: bool = False
    """Whether the network begins at random, so that normalisation learns its statistics too."""
    n_averaged_runs: int = 1
    """How often it is carried out, each time from the same start; the mean weights are kept."""

    @property
    def all_steps(self) -> int:
        """Gradient steps over all repetitions."""
        return self.steps * self.n_averaged_runs

    def run(self, context: Context) -> Generator[Event, None, PhaseResult]:
        """Take the steps."""
        yield from context.take_steps(self)
        return PhaseResult()

    def cost(self, context: CostContext) -> Generator[Event, None, Costs]:
        """Steps, the frozen layers before them, and the teacher."""
        return {self.title: (yield from context.steps(self))}
