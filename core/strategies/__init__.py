"""What a strategy is made of, and which there are. Every other file here is one strategy.

A strategy says in which phases a pretrained network meets the new pictures. A parameter listed in a
phase's groups trains; every other one is frozen, and its module stays in eval mode.
"""

import importlib
import pkgutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import BadRecipe
from core.recipe import Policy, in_one_sentence

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

Network: TypeAlias = "nn.Module"
"""Named lazily: listing the strategies must not load torch."""

Group: TypeAlias = dict[str, Any]
"""A torch parameter group: "params", "lr", maybe "weight_decay"."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """Features of the source domain brought to where the target's are, or the other way round."""

    rows: "np.ndarray"
    """(n, k): what the classifier learns from, a row for each source image."""
    matrix: "np.ndarray"
    """(d, k): a target image's features x meet that classifier as (x - shift) @ matrix."""
    shift: "np.ndarray"
    """(d,)."""


Align: TypeAlias = "Callable[[np.ndarray, np.ndarray], Aligned]"
"""Features of source (n, d) and target (m, d) to the source's aligned ones."""

Weigh: TypeAlias = "Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]"
"""Features and class indices of the target, then of the source (m, d): a weight (m,) for each."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A phase solved in one go: the best linear classifier on the features as they are."""

    title: str
    views: int = 1
    """How many variations of each picture it learns from; the first is the picture itself."""
    strength: float | None = None
    """Inverse regularisation; None: chosen by cross-validation."""
    balanced: bool = False
    """Whether rare classes weigh as much as frequent ones."""
    align: "Align | None" = None
    """Learn once more on aligned features; for strategies that learn from the source."""
    weigh: "Weigh | None" = None
    """Learn once more with source images beside the own ones, weighted."""
    describe: "Callable[[Sequence[str]], list[str]] | None" = None
    """Class names to a sentence about each: nothing is fitted, the text side of the backbone makes
    the classifier of them. Raises BadRecipe when that cannot be said."""
    near: bool = False
    """Whether it is held near the classifier that is there, instead of near none."""
    remember: bool = False
    """Whether classes that only the earlier model knows keep what it knew of them."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Pictures that a phase sees beside those it learns from."""

    of: Literal["unlabelled", "source", "learned"]
    """Which: unlabelled target images, the labelled source, or the learned ones once more."""
    strong: bool = False
    """Whether they are varied strongly. Streams of the same images go in step: image by image."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step sees, on the device it trains on."""

    inputs: "Tensor"
    """Pictures (n, 3, s, s), or what the frozen layers made of them."""
    labels: "Tensor"
    """Class indices (n,); with several heads (n, heads), -1 where an answer is not known."""
    streams: "Mapping[str, tuple[Tensor, Tensor]]" = field(default_factory=dict)
    """Inputs and class indices (-1: none) of each of the phase's streams."""
    taught: "tuple[Tensor, Tensor] | None" = None
    """What the teacher says about the plain pictures: logits (n, classes), NaN for classes it does
    not know, and features (n, d)."""
    progress: float = 0.0
    """Share of the phase that is done."""
    heads: "Mapping[str, slice]" = field(default_factory=lambda: {"": slice(None)})
    """The outputs that answer each question, by its label column."""
    weights: "Tensor | None" = None
    """How much an error on each class counts (classes,); None: all alike."""
    shown: "Tensor | None" = None
    """Of which classes (classes,) there are pictures to learn from, where there is a teacher."""


Forward: TypeAlias = "Callable[[Tensor], tuple[Tensor, Tensor]]"
"""Inputs to float32 logits (n, classes), and to the features (n, d) that the classifier read."""

Objective: TypeAlias = "Callable[[Forward, Batch], tuple[Tensor, Tensor]]"
"""What a phase makes small: a mean loss, and the logits of the batch's inputs for the curve."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of gradient steps. The learning rate warms up, then falls along a cosine to 0."""

    title: str
    steps: int
    groups: Sequence[Group]
    objective: "Objective | None" = None
    """None: cross-entropy with the options' label smoothing. One that is a module is moved to the
    device and kept in checkpoints; its own parameters learn when a group lists them."""
    streams: "Mapping[str, Stream]" = field(default_factory=dict)
    """Further pictures that the objective sees, by the names it uses for them."""
    beforehand: "Callable[[np.ndarray, np.ndarray], None] | None" = None
    """Told the features (n, d) and class indices (n,) of the learned pictures before any step; what
    comes of it must be kept in the objective's buffers."""
    taught: bool = False
    """Whether the objective asks what the recipe's teacher says."""
    fresh: bool = False
    """Whether the network begins at random, so that normalisation learns its statistics too."""
    times: int = 1
    """How often it is carried out, each time from the same start; the mean weights are kept."""

    @property
    def all_steps(self) -> int:
        """Steps over all times."""
        return self.steps * self.times


class Options(BaseModel):
    """The choices within a strategy. Unknown names and values out of range are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_WATCH_FROM = 1000
"""Training images from which a part of them is set aside to be watched."""

Mirror = Literal["auto", "yes", "no"]


def option(default: Any, title: str, advice: str, *, main: bool = False, **limits: Any) -> Any:
    """A field with what a person reads about it; `main` ones are shown without asking."""
    return Field(
        default, title=title, description=advice, json_schema_extra={"main": main}, **limits
    )


class FineTuning(Options):
    """What every strategy with gradient steps has in common."""

    steps: int = option(
        300, "How long to learn (steps)",
        "Each step looks at one batch of pictures. More steps fit closer, and take longer.",
        main=True, ge=1, le=20_000,
    )  # fmt: skip
    mirror: Mirror = option(
        "auto", "May pictures be mirrored?",
        "Mirrored copies help when left and right do not matter. “auto” tries it on your pictures.",
        main=True,
    )  # fmt: skip
    lr: float = option(
        3e-4, "How boldly to change (learning rate)",
        "Smaller keeps more of what the network knows.", gt=0, le=1,
    )  # fmt: skip
    batch: int = option(
        32, "Pictures per step (batch size)", "Larger is steadier and slower.", ge=2, le=1024
    )
    weight_decay: float = option(
        0.02, "Pull towards simple (weight decay)",
        "Keeps weights small, against learning by heart.", ge=0, le=1,
    )  # fmt: skip
    label_smoothing: float = option(
        0.05, "Doubt in the labels (label smoothing)",
        "A little doubt keeps the model from being too sure.", ge=0, le=0.5,
    )  # fmt: skip
    smallest_crop: float = option(
        0.5, "Smallest piece of a picture (crop)",
        "Random pieces of each picture are shown; 1 shows it whole.", gt=0.05, le=1,
    )  # fmt: skip
    colour: float = option(
        0.2, "Changes of light (colour jitter)",
        "How far brightness and contrast are varied, where pictures are varied plainly.",
        ge=0, le=0.9,
    )  # fmt: skip
    augmentation: Policy = option(
        "plain", "Which changes (augmentation policy)",
        "plain: pieces, mirroring, light. trivial: pieces, mirroring and one strong change, which "
        "may turn a picture far (TrivialAugment); worth a try from about 200 steps on. rand: two "
        "milder changes (RandAugment).",
    )  # fmt: skip
    dropout: float = option(
        0.0, "Hide features at random (dropout)",
        "This share of what the classifier reads is hidden in each step, so that it leans on "
        "nothing alone. 0 hides nothing; 0.2 is a usual try against learning by heart.",
        ge=0, le=0.9,
    )  # fmt: skip
    balanced: bool = option(
        False, "Treat rare classes as equals (class weights)",
        "Helps when some classes have far fewer pictures than others.",
    )  # fmt: skip
    ema: float = option(
        0.99, "Averaging over steps (EMA)",
        "The model is the running average of its last steps; 0 keeps the last alone.", ge=0, lt=1,
    )  # fmt: skip
    watch: float = option(
        0.1, "Share to watch with (validation part)",
        "Kept out of learning to draw the curve. 0 learns from all pictures.",
        ge=0, le=0.5,
    )  # fmt: skip
    patience: int = option(
        0, "Stop after so many looks without gain (early stopping)",
        "About twelve looks are taken at the pictures to watch with, so there must be some; the "
        "state that did best on them is kept. 0 always goes on to the end.", ge=0, le=20,
    )  # fmt: skip
    soups: int = option(
        1, "Learn so many times and average (model soup)",
        "Each time from the same start with other random choices; the mean of the weights is often "
        "a little better than one of them. 3 takes three times as long.", ge=1, le=10,
    )  # fmt: skip


def share_option(*, main: bool = False) -> Any:
    """The field of a strategy in which the last layers adapt: see last_groups."""
    return option(
        0.3, "How much of the network adapts",
        "Share of the layers, counted from the end. More can learn more, and forget more.",
        main=main, gt=0, lt=1,
    )  # fmt: skip


class Rehearsing(FineTuning):
    """Of strategies that go on with an earlier run: its pictures are shown again."""

    rehearse: int = option(
        20, "Old pictures shown again, of each class (rehearsal)",
        "0 shows none: watch what is forgotten then.", main=True, ge=0, le=1000,
    )  # fmt: skip


class Weighing(FineTuning):
    """Of strategies that learn several label columns: how much each counts."""

    weights: dict[str, Annotated[float, Field(ge=0, le=100)]] = option(
        {}, "How much each question counts (task weights)",
        "1 unless you say otherwise. 0 leaves a question to its first classifier: so a model is "
        "taught for the others alone, to compare with.",
        main=True,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known before a way to learn is chosen."""

    images: int
    """Labelled ones."""
    fewest: int
    """Labelled images of the smallest class."""
    unlabelled: int = 0
    source: int = 0
    """Labelled images of another world."""
    photographs: bool | None = None
    """Whether they look like photographs; None: not said."""
    tasks: int = 1
    """Label columns."""
    changes: bool = False
    """Whether camera, light or place will change later."""


Need = Literal["source", "unlabelled", "teacher", "earlier", "tasks"]
"""What a strategy cannot do without, besides labelled pictures: see Item.role, Recipe.teacher and
Recipe.start; "tasks" are several label columns, all of which it learns."""


Layer = Literal["frozen", "little", "held", "learns", "anew"]
"""What becomes of a part of the network: it stays; few of its numbers change; it learns but is held
near where it was; it learns; it begins at random and learns."""

Beside: TypeAlias = Literal["frozen", "source", "own", "words"]
"""A classifier on the network as it was; one taught with the other world alone (source-only); one
taught with one's own pictures alone; what the words alone say."""
Cost = Literal["seconds", "minutes", "many minutes"]
"""Of some hundred pictures on a processor; a GPU is tens of times quicker."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to transfer what a network knows."""

    title: str
    """Plain words."""
    term: str
    """The field's standard term."""
    advice: str
    """When it helps: one or two sentences."""
    hurts: str
    """When it does not, or does harm: one sentence."""
    cost: Cost
    """How long it takes."""
    layers: tuple[Layer, Layer, Layer, Layer]
    """What becomes of the early, the middle and the late layers, and of the classifier."""
    options: type[Options]
    phases: Callable[[Network, Any], list[Probe | Phase]]
    """(network with its classifier, options) to the phases in order. What it draws at random comes
    from torch's usual generator, which the recipe's seed has set."""
    defaults: Callable[[int, int, str], dict[str, Any]] = field(
        default=lambda n, classes, family: {}
    )
    """(labelled images, classes, family of the backbone) to defaults that differ."""
    needs: frozenset[Need] = frozenset()
    transfers: bool = True
    """Whether it begins with what a network has learned; without, the network is made anew, at
    random, and shows what that is worth."""
    beside: Beside = "frozen"
    """What its first classifier is, which the result is compared with."""
    learns: Literal["target", "source"] = "target"
    """Whose labels it learns from. With "source" the labels of the target only ever judge; where no
    item is of the source, the labelled ones are, and the unlabelled ones are the target."""
    suits: Callable[[Situation], str] = field(default=lambda situation: "")
    """Why it is a good choice here, in one sentence; empty when others are better."""
    fits: Callable[[str], str] = field(default=lambda family: "")
    """Why it cannot be used with a family of backbones, with the way out; empty when it can."""
    rank: int = 100
    """Where it stands when all are listed: quick and simple ones first."""


NEEDS: dict[Need, tuple[str, str]] = {
    "source": (
        "It needs sorted pictures from another world with the same classes: add some as “from "
        "another world”",
        "--source DATA",
    ),
    "unlabelled": (
        "It needs more pictures of the same world, which need not be sorted: add some as “not "
        "sorted”",
        "--unlabelled DATA",
    ),
    "teacher": (
        "It needs an earlier, larger model to learn from: choose a finished run as teacher",
        "--teacher RUN",
    ),
    "earlier": (
        "It needs an earlier model to go on from: choose a finished run",
        "--from RUN",
    ),
    "tasks": (
        "It needs several label columns: bring a table with more than one column of classes "
        "beside the pictures",
        "--labels COLUMN,COLUMN",
    ),
}
"""What is missing and how to add it, and the same on the command line."""


def looks_at(strategy: Strategy) -> frozenset[str]:
    """The roles of images that it learns from or adapts to, besides labelled ones."""
    return strategy.needs | ({"source"} if strategy.learns == "source" else set())


def lacking(
    strategy: Strategy, *, has: Collection[str], family: str = "", flags: bool = False
) -> str:
    """Why the strategy cannot be chosen now, with what to add; empty when it can.

    `has` are the roles of the images there are; "teacher" and "earlier" with a finished run.
    Without a `family` only the data are looked at; `flags` tells how to add it to a command, too.
    """
    missing = [
        sentence + (f" (on the command line: {flag})." if flags else ".")
        for need, (sentence, flag) in NEEDS.items()
        if need in strategy.needs - {*has}
    ]
    return " ".join([*missing, *filter(None, [family and strategy.fits(family)])])


def recommended(situation: Situation, *, has: Collection[str], family: str) -> tuple[str, str]:
    """The name of the way to learn that suits best, and why.

    Of several that suit, the most special one: it was made for such a situation.
    """
    fitting = [
        (strategy.rank, name, reason)
        for name, strategy in strategies().items()
        if (reason := strategy.suits(situation)) and not lacking(strategy, has=has, family=family)
    ]
    _, name, reason = max(fitting)
    return name, reason


@cache
def strategies() -> dict[str, Strategy]:
    """Every strategy by the name of its file, in the order they are offered."""
    modules = [
        importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    ]
    found = {module.__name__.rsplit(".", 1)[1]: module.STRATEGY for module in modules}
    return dict(sorted(found.items(), key=lambda pair: (pair[1].rank, pair[0])))


def get_strategy(name: str) -> Strategy:
    """The strategy of that name. Raises BadRecipe, listing those that exist."""
    if name not in strategies():
        raise BadRecipe(f"No strategy is called “{name}”. There are: {', '.join(strategies())}.")
    return strategies()[name]


def resolve(
    strategy: Strategy, chosen: dict[str, Any], *, images: int, classes: int, family: str
) -> Options:
    """The strategy's options: its defaults for this many images, and what was chosen over them.

    Raises BadRecipe naming each option that does not exist or is out of range.
    """
    known = strategy.options.model_fields
    for name in chosen:
        if name not in known:
            raise BadRecipe(f"There is no option “{name}” here. There are: {', '.join(known)}.")
    try:
        own = strategy.defaults(images, classes, family)
        return strategy.options(**{**_of_size(strategy.options, images), **own, **chosen})
    except ValidationError as error:
        schema = strategy.options.model_json_schema()["properties"]
        faulty = dict.fromkeys(str(fault["loc"][0]) for fault in error.errors() if fault["loc"])
        ranges = {name: _range(schema[name]) for name in faulty if name in schema}
        told = "".join(f" Allowed for {name}: {words}." for name, words in ranges.items() if words)
        raise BadRecipe(in_one_sentence(error) + told) from error


def _of_size(options: type[Options], images: int) -> dict[str, Any]:
    """No picture of a small set is spared for a curve that decides nothing."""
    watching = "watch" in options.model_fields and images < _WATCH_FROM
    return {"watch": 0.0} if watching else {}


@dataclass(frozen=True, slots=True)
class OptionInfo:
    """One option as a screen or a command line shows it."""

    name: str
    title: str
    help: str
    type: str
    """int, float, bool, choice, number-or-auto; weights, a number for each label column, or texts,
    some words for each class."""
    default: Any
    minimum: float | None
    maximum: float | None
    exclusive: tuple[bool, bool]
    """Whether the minimum, and the maximum, are themselves not allowed."""
    choices: tuple[str, ...]
    range: str
    """What is allowed, in words; empty for whatever is."""
    main: bool


def describe(strategy: Strategy, images: int, classes: int, family: str) -> list[OptionInfo]:
    """Every option with its default for this many images, the main ones first."""
    defaults = resolve(strategy, {}, images=images, classes=classes, family=family)
    schema = strategy.options.model_json_schema()["properties"]
    infos = [_info(name, schema[name], getattr(defaults, name)) for name in schema]
    return sorted(infos, key=lambda info: not info.main)


def _info(name: str, schema: dict[str, Any], default: Any) -> OptionInfo:
    numeric = next((s for s in schema.get("anyOf", [schema]) if s.get("type") != "null"), schema)
    kinds = {"integer": "int", "number": "float", "boolean": "bool", "object": "weights"}
    kind = kinds.get(numeric.get("type", ""), "")
    if numeric.get("additionalProperties", {}).get("type") == "string":
        kind = "texts"
    if "anyOf" in schema:
        kind = "number-or-auto"
    lowest = numeric.get("minimum", numeric.get("exclusiveMinimum"))
    highest = numeric.get("maximum", numeric.get("exclusiveMaximum"))
    choices = tuple(schema.get("enum", ()))
    return OptionInfo(
        name, schema["title"], schema["description"], "choice" if choices else kind, default,
        lowest, highest, ("exclusiveMinimum" in numeric, "exclusiveMaximum" in numeric), choices,
        _range(schema), bool(schema.get("main")),
    )  # fmt: skip


def _range(schema: dict[str, Any]) -> str:
    """Which values a field of options takes, in words."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    numeric = next((s for s in schema.get("anyOf", [schema]) if s.get("type") != "null"), schema)
    if numeric.get("type") == "boolean":
        return "true or false"
    if within := numeric.get("additionalProperties"):
        return f"each {_range(within)}"
    if "maxLength" in numeric:
        return f"up to {numeric['maxLength']} letters"
    if {"minimum", "maximum"} <= numeric.keys():
        return f"{numeric['minimum']:g} to {numeric['maximum']:g}"
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most",
              "exclusiveMaximum": "below"}  # fmt: skip
    told = ", ".join(f"{said} {numeric[key]:g}" for key, said in bounds.items() if key in numeric)
    return f"{told}; or nothing: found by itself" if "anyOf" in schema else told


def head_groups(network: Network, lr: float) -> list[Group]:
    """The classifier alone, as one parameter group."""
    from core.backbones.weights import classifier

    return [{"params": list(classifier(network).parameters()), "lr": lr}]


def last_groups(network: Network, *, share: float, lr: float) -> list[Group]:
    """The classifier, and this share of the layers counted from the end, as parameter groups."""
    from core.backbones.stages import stages

    layers = stages(network)
    kept = max(1, round(share * len(layers)))
    last = [parameter for layer in layers[-kept:] for parameter in layer]
    return [*head_groups(network, 3 * lr), {"params": last, "lr": lr}]
