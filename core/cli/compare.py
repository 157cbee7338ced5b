"""`compare`: runs beside each other, on the test images that they share."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.cli.terminal import Terminal
from core.cli.using import require
from core.errors import BadRecipe
from core.evaluation.metrics import in_words
from core.evaluation.report import Report
from core.evaluation.significance import Pair, pairs


def compare(runs: Sequence[Path], terminal: Terminal) -> int:
    """Tell every two of these runs apart, where that is possible."""
    if len({run.resolve() for run in runs}) < 2:
        raise BadRecipe("Name at least two different runs to compare.")
    for run in runs:
        require(run)
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
        f"{run['run']}: right on {run['correct']} of {run['n']}, with 95 % confidence "
        f"{in_words(run['interval'])}"
    )


def _verdicts(found: Sequence[Pair]) -> list[str]:
    lines = ["", *(f"{pair.first} and {pair.second}: {pair.verdict}" for pair in found)]
    if len(found) > 1:
        lines.append(f"p is corrected for {len(found)} comparisons (Holm).")
    return lines
