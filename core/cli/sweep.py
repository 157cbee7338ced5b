"""`tournament`: several backbones and ways to learn on a folder of pictures, and which to keep."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from core.cli.terminal import Terminal
from core.cli.train import STOPPED, drained, make_run, stop_signals, with_pictures
from core.dataset.store import Store
from core.errors import BadRecipe
from core.evaluation.metrics import in_words
from core.evaluation.model_selection import Choice
from core.evaluation.report import Report
from core.events import Finished, Note
from core.recipe import Evaluation, Recipe
from core.settings import Settings
from core.training.evaluation_mode import has_given_split
from core.training.sweep import (
    NONE_YET,
    SweepRun,
    answer_times,
    answer_times_of,
    beside_kept,
    candidates,
    keep,
    megabytes,
    not_proven,
    why_kept,
)


def tournament(
    data: Path,
    out: Path,
    settings: Settings,
    terminal: Terminal,
    *,
    backbones: Sequence[str],
    ways: Sequence[str],
    evaluation: Evaluation | None,
    seed: int,
) -> int:
    """Import `data`, train every backbone in every way into a folder of its own below `out`, and
    say which to keep; returns the exit code. The same command goes on where it was stopped.

    Without `evaluation` all pictures judge in turn, or the test part that came with them.
    """
    wanted = candidates(
        NONE_YET,
        backbones,
        ways,
        has={"labelled"},
        evaluation=evaluation or "cross_validation",
        seed=seed,
    )
    if len(wanted) < 2:
        raise BadRecipe(
            "There is nothing to compare: name at least two backbones or ways to learn that "
            "fit each other and need no further pictures or runs."
        )
    with stop_signals() as stop:
        recipes = with_pictures(data, wanted, settings, terminal, stop)
        if recipes is None:
            return _stopped(terminal)
        if evaluation is None and has_given_split(Store(settings.home).load(recipes[0].dataset)):
            recipes = [recipe.model_copy(update={"evaluation": "holdout"}) for recipe in recipes]
        for number, recipe in enumerate(recipes, 1):
            name = _name(recipe)
            terminal.event(Note(f"{number} of {len(recipes)}: {name}"))
            make_run(out / name, recipe)
            if not isinstance(drained(out / name, settings, terminal, stop), Finished):
                return _stopped(terminal)
    reports = [Report.load(out / _name(each)) for each in recipes]
    entered = [
        SweepRun(_name(each), each, report.predictions, megabytes(out / _name(each)))
        for each, report in zip(recipes, reports, strict=True)
    ]
    last = terminal.drain(answer_times({run.name: out / run.name for run in entered}, settings))
    times = answer_times_of(cast(Finished, last).result)
    choice = keep(entered)
    seconds = {_name(each): report.seconds for each, report in zip(recipes, reports, strict=True)}
    document = _document(out, entered, choice, seconds, times)
    terminal.result(document, _text(document))
    return 0


def _name(recipe: Recipe) -> str:
    return f"{recipe.backbone}-{recipe.strategy}"


def _stopped(terminal: Terminal) -> int:
    terminal.result({"stopped": True}, "Stopped. The same command goes on from there.")
    return STOPPED


def _document(
    out: Path,
    entered: Sequence[SweepRun],
    choice: Choice,
    seconds: dict[str, float],
    times: dict[str, float],
) -> dict[str, Any]:
    names = [run.name for run in entered]
    verdicts = {
        other.name: {
            "p": pair.comparison.p if pair.comparison else None,
            "verdict": pair.verdict,
        }
        for other, pair in beside_kept(entered, choice, names)
    }
    return {
        "runs": [
            {
                "run": str(out / run.name), "backbone": run.recipe.backbone,
                "strategy": run.recipe.strategy, "accuracy": accuracy, "interval": interval,
                "seconds": seconds[run.name], "milliseconds": times[run.name],
                "megabytes": run.megabytes, "beside_kept": verdicts.get(run.name),
            }
            for run, accuracy, interval in zip(
                entered, choice.accuracy, choice.intervals, strict=True
            )
        ],
        "n": choice.n,
        "best": entered[choice.best].name,
        "keep": entered[choice.chosen].name,
        "stderr": choice.stderr,
        "honest": choice.honest,
        "honest_interval": choice.honest_interval,
        "said": f"{why_kept(entered, choice, names)} {not_proven(entered, choice, names)}".strip(),
    }  # fmt: skip


def _text(document: dict[str, Any]) -> str:
    lines = []
    for run in sorted(document["runs"], key=lambda run: -run["accuracy"]):
        lines.append(
            f"{run['run']}: right on {run['accuracy']:.1%}, {in_words(run['interval'])}; learned "
            f"in {run['seconds']:.0f} s, answers in {run['milliseconds']:.1f} ms, "
            f"{run['megabytes']:.1f} MB"
        )
        if run["beside_kept"]:
            lines.append(f"  Beside the one to keep: {run['beside_kept']['verdict']}")
    return "\n".join([*lines, "", f"Keep {document['keep']}. {document['said']}"])
