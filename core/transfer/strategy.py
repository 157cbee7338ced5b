"""One way to transfer what a network knows, as it is declared."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from core.transfer.options import Options
from core.transfer.phases import Network, Phase


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known before a way to learn is chosen."""

    images: int
    """Labelled ones."""
    fewest: int
    """Labelled images of the smallest class."""
    unlabelled: int = 0
    source: int = 0
    """Labelled images of another domain."""
    photographs: bool | None = None
    """Whether they look like photographs; None: not said."""
    tasks: int = 1
    """Label columns."""
    changes: bool = False
    """Whether camera, light or place will change later."""


Need = Literal["source", "unlabelled", "teacher", "earlier", "tasks"]
"""What a strategy cannot do without, besides labelled images: see Item.role, Recipe.teacher and
Recipe.start; "tasks" are several label columns, all of which it learns."""


Layer = Literal["frozen", "little", "held", "learns", "anew"]
"""What becomes of a part of the network: it stays; few of its numbers change; it learns but is held
near where it was; it learns; it begins at random and learns."""

Beside: TypeAlias = Literal["frozen", "source", "own", "words"]
"""A classifier on the network as it was; one trained on the source domain alone (source-only); one
trained on one's own images alone; what the words alone say."""
Cost = Literal["seconds", "minutes", "many minutes"]
"""Of some hundred images on a processor; a GPU is tens of times quicker."""


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
    phases: Callable[[Network, Any], list[Phase]]
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
    """Whose labels it learns from. With "source" the labels of the target only evaluate; where no
    item is of the source, the labelled ones are, and the unlabelled ones are the target."""
    suits: Callable[[Situation], str] = field(default=lambda situation: "")
    """Why it is a good choice here, in one sentence; empty when others are better."""
    fits: Callable[[str], str] = field(default=lambda family: "")
    """Why it cannot be used with a family of backbones, with the way out; empty when it can."""
    rank: int = 100
    """Where it stands when all are listed: quick and simple ones first."""


NEEDS: dict[Need, tuple[str, str]] = {
    "source": (
        "It needs labelled images of a different kind (source domain) with the same classes: "
        "add some",
        "--source DATA",
    ),
    "unlabelled": (
        "It needs more images of the same kind, which need no labels: add some as unlabelled",
        "--unlabelled DATA",
    ),
    "teacher": (
        "It needs an earlier, larger model to learn from: choose a finished run as teacher",
        "--teacher RUN",
    ),
    "earlier": (
        "It needs an earlier model to continue from: choose a finished run",
        "--from RUN",
    ),
    "tasks": (
        "It needs several label columns: add a table with more than one column of classes",
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
