"""Which images of a run are learned from, and which are kept for what: decided once, and frozen."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from core import seeding
from core.dataset.manifest import Dataset, Item
from core.dataset.splits import folds, groups_of, holdout, rounds
from core.errors import BadRecipe
from core.recipe import Recipe
from core.training.previous_runs import HeldOut, PreviousRuns
from core.transfer.options import FineTuning, Options, RehearsalOptions
from core.transfer.strategy import Strategy


@dataclass(frozen=True, slots=True)
class DataSplit:
    """Indices into the items of a run. None of the lists is ever changed."""

    train: list[int]
    """Learned from; those rehearsed among them."""
    validation: list[int]
    """Looked at while it learns, and never learned from."""
    test: list[int]
    """Kept untouched for the score."""
    source: list[int]
    """Of the source domain, with a class that is one of ours."""
    unlabelled: list[int]
    """Of the target domain, seen without a label."""
    rehearsal: list[int]
    """Learned from by an earlier run, and now once more."""
    retention_test: list[int]
    """Test items of the earlier run, to see what was forgotten; none without one."""


@dataclass(frozen=True, slots=True)
class Domains:
    """A dataset's items in the order of their roles."""

    items: tuple[Item, ...]
    source: list[int]
    unlabelled: list[int]
    notes: tuple[str, ...]
    """What the person should know before it begins."""


def domains_of(dataset: Dataset, classes: tuple[str, ...], strategy: Strategy) -> Domains:
    """The labelled items, those of the source domain that share a class, and the unlabelled.

    Raises BadRecipe when a strategy shall learn from a source that shares fewer than two classes.
    """
    foreign = [item for item in dataset.items if item.role == "source"]
    known = [item for item in foreign if item.label in classes]
    strange = {str(item.label) for item in foreign} - {*classes}
    if foreign and strategy.learns == "source":
        known = _shared(known, classes, strange)
    plain = [item for item in dataset.items if item.role == "unlabelled"]
    items = (*dataset.labelled, *known, *plain)
    first, last = len(dataset.labelled), len(dataset.labelled) + len(known)
    notes = _notes(strategy, classes, foreign, known, strange)
    return Domains(items, list(range(first, last)), list(range(last, len(items))), notes)


def _notes(
    strategy: Strategy,
    classes: tuple[str, ...],
    foreign: Sequence[Item],
    known: Sequence[Item],
    strange: Collection[str],
) -> tuple[str, ...]:
    notes = []
    if strategy.learns == "source" and not foreign:
        notes.append(
            "There are no images “of a different kind”. So your labelled images are taken as "
            "the source domain, and the unlabelled ones as the target domain."
        )
    if strange:
        notes.append(f"Classes that only the source domain has are not used: {_quoted(strange)}.")
    shared = {str(item.label) for item in known}
    if strategy.learns == "source" and foreign and (unseen := {*classes} - shared):
        notes.append(
            f"Carried over: {_quoted(shared)}. The source domain has no images of "
            f"{_quoted(unseen)}, so your images of these get a wrong answer."
        )
    return tuple(notes)


def _shared(source: list[Item], classes: Collection[str], strange: Collection[str]) -> list[Item]:
    """Those of classes with at least two images. Raises BadRecipe unless there are two such."""
    counts = Counter(item.label for item in source)
    kept = [item for item in source if counts[item.label] > 1]
    if len({item.label for item in kept}) < 2:
        shares = f"shares only {_quoted({str(item.label) for item in source})}"
        if not source:
            shares = f"has other ones: {_quoted(strange)} where yours are {_quoted(classes)}"
        raise BadRecipe(
            "The source domain must have images of at least two of your classes, two or more "
            f"of each, but it {shares}. Give its classes the names that yours have, or add "
            "more of its images."
        )
    return kept


def _quoted(names: Collection[str]) -> str:
    """The first of them, in words."""
    first = ", ".join(f"“{name}”" for name in sorted(names)[:8])
    return first + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def held_out(dataset: Dataset, recipe: Recipe, previous: PreviousRuns) -> HeldOut:
    """Indices of labelled items to learn from and to test with, honest beside previous runs.

    Raises BadRecipe when previous runs leave nothing to test with.
    """
    if recipe.evaluation == "holdout":
        return previous.honest(dataset, *holdout(dataset, recipe.holdout, recipe.seed))
    if recipe.start or recipe.teacher:
        raise BadRecipe(
            "An earlier model was trained on images that would test this one. Choose a "
            "held-out test (holdout), or train without the earlier model."
        )
    train, test = rounds(dataset, recipe.holdout, recipe.seed)[recipe.fold]
    return previous.honest(dataset, train, test)


def split_of(
    dataset: Dataset,
    domains: Domains,
    held: HeldOut,
    previous: PreviousRuns,
    strategy: Strategy,
    options: Options,
    seed: int,
) -> tuple[tuple[Item, ...], DataSplit]:
    """All items of a run, those of previous runs at the end, and what each is for.

    Raises BadRecipe when it shall stop early and has no images to tell when.
    """
    train, unlabelled = held.train, domains.unlabelled
    if strategy.learns == "source" and domains.source:
        unlabelled, train = [*unlabelled, *train], domains.source
    each = options.rehearse if isinstance(options, RehearsalOptions) else 0
    again = previous.rehearsal(each, {item.image for item in dataset.labelled})
    asked = previous.retention_test({domains.items[index].image for index in train})
    retention = asked if "earlier" in strategy.needs else []
    items = (*domains.items, *again, *retention)
    first = len(domains.items)
    rehearsal = list(range(first, first + len(again)))
    learned, validation = _set_aside(items, [*train, *rehearsal], options, seed)
    return items, DataSplit(
        train=learned,
        validation=validation,
        test=held.test,
        source=domains.source,
        unlabelled=unlabelled,
        rehearsal=sorted({*rehearsal} & {*learned}),
        retention_test=list(range(first + len(again), len(items))),
    )


def _set_aside(
    items: Sequence[Item], train: list[int], options: Options, seed: int
) -> tuple[list[int], list[int]]:
    """The training part, and of it what is only validated with: the validation part of a given
    split; else the fraction that the options ask for."""
    if not isinstance(options, FineTuning):
        return train, []
    if validation := _given_validation(items, train):
        return sorted(set(train) - set(validation)), validation
    fraction = options.validation_fraction
    if fraction * len(train) >= 1:
        groups = groups_of([items[index] for index in train])
        _, labels = np.unique([str(items[index].label) for index in train], return_inverse=True)
        stream = seeding.derive(seed, "validation")
        learned, held = folds(labels.tolist(), groups, max(2, round(1 / fraction)), stream)[0]
        return [train[row] for row in learned], [train[row] for row in held]
    if options.patience:
        raise BadRecipe(
            "Early stopping needs validation images. Set “Validation fraction” "
            "(validation_fraction) above 0, such as 0.1, or “Patience” (patience) to 0."
        )
    return train, []


def _given_validation(items: Sequence[Item], train: list[int]) -> list[int]:
    """The validation part, unless a class would have fewer than two images left to learn from."""
    validation = [index for index in train if items[index].part == "val"]
    left = Counter(items[index].label for index in train if items[index].part != "val")
    return validation if all(left[items[index].label] >= 2 for index in train) else []
