"""`compare`: runs beside each other, on the test images that they share."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.cli._command import Command
from core.cli._runs import require_run
from core.cli._terminal import Terminal
from core.errors import BadRecipe
from core.evaluation.metrics import in_words
from core.evaluation.report import Report
from core.evaluation.significance import Pair, pairs
from core.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="two runs or more")


def _run(chosen: Namespace, _: Settings, terminal: Terminal) -> int:
    return compare(chosen.runs, terminal)


def compare(runs: Sequence[Path], terminal: Terminal) -> int:
    """Print whether any two of these runs differ, where that can be said."""
    if len({run.resolve() for run in runs}) < 2:
        raise BadRecipe("Name two or more different runs.")
    for run in runs:
        require_run(run)
    reports = [(str(run), Report.load(run)) for run in runs]
    found = pairs([(name, report.predictions) for name, report in reports])
    document = {
        "runs": [
            {
                "run": name,
                "n": report.n,
                "correct": report.correct,
                "accuracy": report.accuracy,
                "interval": report.interval,
            }
            for name, report in reports
        ],
        "pairs": [_pair(pair) for pair in found],
    }
    terminal.result(document, "\n".join([*map(_run_text, document["runs"]), *_verdicts(found)]))
    return 0


def _pair(pair: Pair) -> dict[str, Any]:
    content = asdict(pair)
    found = content.pop("comparison") or {}
    return {
        **content,
        "comparable": pair.comparison is not None,
        "only_first": found.get("only_first"),
        "only_second": found.get("only_second"),
        "p": pair.p if pair.comparison else None,
        "p_corrected": found.get("p"),
        "differs": bool(pair.comparison and pair.comparison.differs),
        "verdict": pair.verdict,
    }


def _run_text(run: dict[str, Any]) -> str:
    return (
        f"{run['run']}: {run['correct']} of {run['n']} correct, likely "
        f"{in_words(run['interval'])} (95 % confidence)"
    )


def _verdicts(found: Sequence[Pair]) -> list[str]:
    lines = ["", *(f"{pair.first} and {pair.second}: {pair.verdict}" for pair in found)]
    if len(found) > 1:
        lines.append(f"p is corrected for {len(found)} comparisons (Holm).")
    return lines


COMMAND = Command(
    "compare runs on the test images they share",
    ("compare run another-run",),
    _run,
    _add_arguments,
    order=40,
)
