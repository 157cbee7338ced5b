"""`thresholds`: when to trust an answer of a run, when to ask a person, and what mistakes cost."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.cli._command import Command, add_run
from core.cli._runs import require_run
from core.cli._terminal import Terminal
from core.errors import BadRecipe
from core.evaluation.metrics import in_words
from core.evaluation.report import Report, evaluated_by
from core.evaluation.thresholds import Costs, Decided, cheapest, decide
from core.settings import Settings

USUAL = (0.0, 0.5, 0.7, 0.9)
_CAVEAT = (
    "A threshold chosen by looking at these images makes the numbers look slightly too good: "
    "expect a little less on new ones."
)


def _add_arguments(parser: ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument(
        "--at",
        type=float,
        nargs="+",
        default=list(USUAL),
        metavar="P",
        help="lowest probability at which the model answers, 0 to 1; default:  ",
    )
    parser.add_argument(
        "--costs",
        nargs="+",
        action="extend",
        default=[],
        metavar="CLASS:ANSWER=COST",
        help="cost of mistaking one class for another, 1 if not given; prints the cheapest answers",
    )
    parser.add_argument("--person", type=float, metavar="COST", help="cost of asking a person")


def _run(chosen: Namespace, _: Settings, terminal: Terminal) -> int:
    return thresholds(chosen.run, chosen.at, terminal, mistakes=chosen.costs, person=chosen.person)


def thresholds(
    run: Path,
    at: Sequence[float],
    terminal: Terminal,
    *,
    mistakes: Sequence[str] = (),
    person: float | None = None,
) -> int:
    """Say how a run does where it answers only from each of these probabilities on.

    `mistakes` are costs, "true class:answer=cost", and `person` that of asking one; with either the
    cheapest answers (to the first question) are told, too. Raises BadRecipe for what is no
    threshold or no cost, NotFound for a run without results.
    """
    require_run(run)
    if wrong := [each for each in at if not 0 <= each <= 1]:
        raise BadRecipe(f"“--at {wrong[0]:g}”: a threshold is between 0 and 1, such as 0.7.")
    if person is not None and not 0 <= person < float("inf"):
        raise BadRecipe(f"“--person {person:g}”: a cost is a number of at least 0.")
    whole = Report.load(run)
    reports = whole.tasks
    decided = {task: _decided_at(report, at) for task, report in reports.items()}
    documents = {task: [asdict(each) for each in rows] for task, rows in decided.items()}
    document: dict[str, Any] = {"run": str(run), "thresholds": documents[whole.task]}
    if whole.other_tasks:
        document["tasks"] = documents
    lines = [_text(report, at, decided[task]) for task, report in reports.items()]
    if mistakes or person is not None:
        found = cheapest(whole, _table(mistakes, whole.classes), person=person)
        document["costs"] = asdict(found)
        lines.append(_costs_text(found))
    terminal.result(document, "\n\n".join([*lines, _CAVEAT]))
    return 0


def _decided_at(report: Report, at: Sequence[float]) -> list[Decided]:
    return [decide(report, [each] * len(report.classes)) for each in at]


def _table(mistakes: Sequence[str], classes: Sequence[str]) -> list[list[float]]:
    """Costs by true class and answer: 1 for each mistake that is not named, 0 for right answers."""
    table = [[float(row != column) for column in classes] for row in classes]
    known = {
        f"{true}:{label}": (row, column)
        for row, true in enumerate(classes)
        for column, label in enumerate(classes)
    }
    for each in mistakes:
        pair, equals, cost = each.rpartition("=")
        if not equals or pair not in known:
            raise BadRecipe(
                f"“--costs {each}” must have the form CLASS:ANSWER=COST. The classes are: "
                f"{', '.join(classes)}."
            )
        row, column = known[pair]
        table[row][column] = _cost(each, cost)
    return table


def _cost(pair: str, written: str) -> float:
    try:
        cost = float(written)
    except ValueError:
        cost = -1.0
    if not 0 <= cost < float("inf"):
        raise BadRecipe(f"“--costs {pair}”: a cost is a number of at least 0.")
    return cost


def _text(report: Report, at: Sequence[float], rows: Sequence[Decided]) -> str:
    lines = [f"{report.task}:"] if report.task else []
    lines.append(f"On {report.n} images{evaluated_by(report.n_folds)}:")
    for least, decided in zip(at, rows, strict=True):
        lines.append(f"Answered from {100 * least:g} %: {_decided(decided)}")
        lines += [
            f"  {each.name}: {each.correct} of {each.predicted} predictions correct, likely "
            f"{in_words(each.precision)} (precision); {each.correct} of {each.n} found, likely "
            f"{in_words(each.recall)} (recall)"
            for each in decided.classes
        ]
    return "\n".join(lines)


def _decided(found: Decided) -> str:
    left = (
        f"{found.abstained} of {found.n} go to a person "
        f"(likely {in_words(found.abstained_interval)})"
    )
    if not found.answered:
        return f"{left}, so nothing is answered."
    return (
        f"{left}. Of the {found.answered} others, {found.correct} are correct "
        f"(likely {in_words(found.interval)})."
    )


def _costs_text(found: Costs) -> str:
    low, high = found.mean.interval
    if not found.changed:
        return f"The most likely answers are also the cheapest: {found.mean.after:.2f} per image."
    return (
        f"The cheapest answers cost {found.mean.after:.2f} per image instead of "
        f"{found.mean.before:.2f}: {found.verdict}. 95 % confidence interval of the difference: "
        f"{low:+.2f} to {high:+.2f} (paired bootstrap). {found.changed} images get "
        f"another answer, and {found.abstained} of them go to a person."
    )


COMMAND = Command(
    "test confidence thresholds: how many images a person must check, and how many other "
    "answers are correct",
    ("thresholds run --at 0.7 0.9", "thresholds run --person 0.1"),
    _run,
    _add_arguments,
    order=41,
)
