"""Phases solved in one go: the best linear classifier on the features as they are."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from core.events import Event, Note
from core.transfer.heads import Head, head_of, set_head
from core.transfer.phases import LOOKING, Context, CostContext, Costs, Phase, PhaseResult

if TYPE_CHECKING:
    from core.features.linear_probe import ProbeFit

_TARGET = "Computing features of the source domain"
_MIRRORED = "Mirrored copies do no harm on your images, so they are used."
_NOT_MIRRORED = "Mirrored copies are not used: left and right matter in your images."


@dataclass(frozen=True)
class LinearProbe(Phase):
    """Regularised logistic regression on frozen features."""

    views: int = 1
    """How many variations of each image it learns from; the first is the image itself."""
    C: float | None = None
    """Inverse regularisation; None: chosen by cross-validation."""
    balanced: bool = False
    """Whether rare classes weigh as much as frequent ones."""
    prior_head: bool = False
    """Whether it is regularised towards the classifier that is there, instead of towards none."""
    retain_old_classes: bool = False
    """Whether classes that only the earlier model knows keep what it knew of them."""

    def run(self, context: Context) -> Generator[Event, None, PhaseResult]:
        """Fit a classifier for each head and put it into the network."""
        from core.features.extraction import MIRRORED

        own = yield from context.features("train")
        views = [own]
        for view in range(1, self.views):
            more = context.features(
                "train", view=view, what="Computing features of augmented images"
            )
            views.append((yield from more))
        other = own if self.views > 1 else None  # it is evaluated by the images as they are
        if context.tries_mirroring:
            what = "Computing features of mirrored images"
            other = yield from context.features("train", view=MIRRORED, what=what)
        fits = [self._fit(context, head, views, other) for head in context.heads]
        result = PhaseResult(is_start=context.makes_start, out_of_fold=fits[0].out_of_fold)
        if context.tries_mirroring:
            mirror = not self._harmed(context, fits[0])
            yield Note(_MIRRORED if mirror else _NOT_MIRRORED)
            result = replace(result, mirror=mirror)
        elif self.views > 1:
            result = replace(result, out_of_fold=fits[0].other_out_of_fold)
        return replace(result, start=(yield from context.start()))

    def _harmed(self, context: Context, fitted: "ProbeFit") -> bool:
        """Whether images are recognised worse mirrored than as they are, out of fold."""
        if fitted.other_out_of_fold is None:
            raise ValueError("the probe was fitted without mirror images")
        labels = context.labels("train", context.heads[0])
        plain, mirrored = fitted.out_of_fold.argmax(1), fitted.other_out_of_fold.argmax(1)
        return context.is_worse(labels[labels >= 0], plain, mirrored)

    def _fit(
        self, context: Context, head: Head, views: list[np.ndarray], other: np.ndarray | None
    ) -> "ProbeFit":
        """Fit one head to the images whose answer is known, and put it into the network."""
        from core.features.linear_probe import C_GRID, fit_probe
        from core.transfer.class_retention import retained_classes

        labels = context.labels("train", head)
        known = labels >= 0
        labels, n_classes = labels[known], len(head.classes)
        previous = context.previous_classifier if self.retain_old_classes else None
        retained = retained_classes(previous, head, labels)
        if retained:
            labels, n_classes = retained.among_observed(labels), len(retained.observed)
        fitted = fit_probe(
            np.concatenate([view[known] for view in views]),
            np.tile(labels, len(views)),
            n_classes,
            context.folds(head),
            balanced=self.balanced,
            other=None if other is None else other[known],
            C_grid=(self.C,) if self.C else C_GRID,
            image_of_row=np.tile(np.arange(len(labels)), len(views)),
            prior_head=head_of(context.network, head.output_slice) if self.prior_head else None,
        )
        if retained:
            fitted = retained.beside(fitted)
        set_head(context.network, fitted.weight, fitted.bias, head.output_slice)
        return fitted

    def cost(self, context: CostContext) -> Generator[Event, None, Costs]:
        """Features of all views, then the solver."""
        from core.features.extraction import MIRRORED

        parts = ("train", "start") if context.makes_start else ("train",)
        looking = yield from context.looking(*parts)
        views = [*range(1, self.views), *([MIRRORED] if context.tries_mirroring else [])]
        looking += yield from context.looking("train", views=views)
        return {LOOKING: looking, self.title: context.kept("fit", lambda: self._solving(context))}

    def _solving(self, context: CostContext) -> float:
        return context.solving(self.views * context.count("train"))


@dataclass(frozen=True, slots=True)
class Aligned:
    """Features of the source domain brought to where the target's are, or the other way round."""

    rows: np.ndarray
    """(n, k): what the classifier learns from, a row for each source image."""
    matrix: np.ndarray
    """(d, k): a target image's features x meet that classifier as (x - shift) @ matrix."""
    shift: np.ndarray
    """(d,)."""


Align: TypeAlias = "Callable[[np.ndarray, np.ndarray], Aligned]"
"""Features of source (n, d) and target (m, d) to the source's aligned ones."""


@dataclass(frozen=True, kw_only=True)
class AlignedProbe(LinearProbe):
    """Once more on aligned features, for strategies that learn from the source; the classifier
    before is the start."""

    align: Align

    def run(self, context: Context) -> Generator[Event, None, PhaseResult]:
        """The plain classifier, then the one on aligned features."""
        from core.features.linear_probe import fit_probe

        start = yield from LinearProbe.run(self, context)
        (head,) = context.heads
        own = yield from context.features("train")
        target = yield from context.features("unlabelled", what=_TARGET)
        aligned = self.align(own, target)
        fitted = fit_probe(
            aligned.rows, context.labels("train", head), len(head.classes), context.folds(head),
            balanced=self.balanced,
        )  # fmt: skip
        weight = fitted.weight @ aligned.matrix.T
        set_head(context.network, weight, fitted.bias - weight @ aligned.shift)
        # What its folds say was said of source images, and says nothing about the target.
        return replace(start, is_start=False, out_of_fold=None)

    def cost(self, context: CostContext) -> Generator[Event, None, Costs]:
        """Both classifiers, and bringing the domains together."""
        costs = yield from LinearProbe.cost(self, context)
        costs[LOOKING] += yield from context.looking("unlabelled")
        return costs

    def _solving(self, context: CostContext) -> float:
        twice = 2 * LinearProbe._solving(self, context)
        return twice + context.transferring(
            "unlabelled", lambda own, _, target, __: self.align(own, target)
        )


Weigh: TypeAlias = "Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]"
"""Features and class indices of the target, then of the source (m, d): a weight (m,) for each."""


@dataclass(frozen=True, kw_only=True)
class WeightedProbe(LinearProbe):
    """Once more with source images beside the own ones, weighted; the classifier before is the
    start."""

    weigh: Weigh

    def run(self, context: Context) -> Generator[Event, None, PhaseResult]:
        """The plain classifier, then the one with the source."""
        from core.features.linear_probe import fit_probe

        start = yield from LinearProbe.run(self, context)
        (head,) = context.heads
        own = yield from context.features("train")
        source = yield from context.features("source", what=_TARGET)
        labels, source_labels = context.labels("train", head), context.labels("source", head)
        weights = self.weigh(own, labels, source, source_labels)
        beside = range(len(own), len(own) + len(source))
        fitted = fit_probe(
            np.concatenate([own, source]), np.concatenate([labels, source_labels]),
            len(head.classes), [([*train, *beside], held) for train, held in context.folds(head)],
            balanced=self.balanced, weights=np.concatenate([np.ones(len(own)), weights]),
        )  # fmt: skip
        set_head(context.network, fitted.weight, fitted.bias)
        heavy = float((weights.sum() ** 2) / (weights**2).sum())
        yield Note(
            f"The {len(source):,} images of a different kind, weighted by how much they "
            f"resemble yours, count as much as {heavy:,.0f} equal ones."
        )
        return replace(start, is_start=False, out_of_fold=fitted.out_of_fold[: len(own)])

    def cost(self, context: CostContext) -> Generator[Event, None, Costs]:
        """Both classifiers, and the weights."""
        costs = yield from LinearProbe.cost(self, context)
        costs[LOOKING] += yield from context.looking("source")
        return costs

    def _solving(self, context: CostContext) -> float:
        alone = LinearProbe._solving(self, context)
        rows = self.views * context.count("train") + context.count("source")
        return (
            alone
            + context.transferring("source", self.weigh)
            + context.solving(rows, weighted=True)
        )
