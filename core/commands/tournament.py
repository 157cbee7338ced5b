"""`tournament`: several backbones and ways to learn on a folder of pictures, and which to keep."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from core.commands.terminal import Terminal
from core.commands.training import STOPPED, drained, imported, make_run, stop_signals
from core.errors import BadRecipe
from core.evaluation.choosing import Choice
from core.evaluation.report import Report
from core.evaluation.scores import in_words
from core.settings import Settings
from core.tournament import Entered, answer_times, entrants, keep
from core.training.events import Finished, Note
from core.training.recipe import Judge, Recipe


def tournament(
    data: Path,
    out: Path,
    settings: Settings,
    terminal: Terminal,
    *,
    backbones: Sequence[str],
    ways: Sequence[str],
    judge: Judge,
    seed: int,
) -> int:
    """Import `data`, train every backbone in every way into a folder of its own below `out`, and
    say which to keep; returns the exit code. The same command goes on where it was stopped."""
    _require_known(backbones, ways)
    with stop_signals() as stop:
        dataset = imported(
            [(data, "labelled")], (), settings, terminal, stop, alone=True, keep=False
        )
        if dataset is None:
            return _stopped(terminal)
        recipes = entrants(dataset, backbones, ways, has={"labelled"}, judge=judge, seed=seed)
        if len(recipes) < 2:
            raise BadRecipe(
                "There is nothing to compare: name at least two backbones or ways to learn that "
                "fit each other and need no further pictures or runs."
            )
        for number, recipe in enumerate(recipes, 1):
            name = _name(recipe)
            terminal.event(Note(f"{number} of {len(recipes)}: {name}"))
            make_run(out / name, recipe)
            if not isinstance(drained(out / name, settings, terminal, stop), Finished):
                return _stopped(terminal)
    entered = [Entered(_name(each), each, Report.load(out / _name(each))) for each in recipes]
    last = terminal.drain(answer_times({run.name: out / run.name for run in entered}, settings))
    times = cast(Finished, last).result["milliseconds"]
    choice = keep(entered)
    terminal.result(_document(entered, choice, times, out), _text(entered, choice, times))
    return 0


def _require_known(backbones: Sequence[str], ways: Sequence[str]) -> None:
    """A mistyped name is told before any picture is looked at."""
    from core.backbones.catalogue import get_backbone
    from core.strategies import get_strategy

    for name in backbones:
        get_backbone(name)
    for name in ways:
        get_strategy(name)


def _name(recipe: Recipe) -> str:
    return f"{recipe.backbone}-{recipe.strategy}"


def _stopped(terminal: Terminal) -> int:
    terminal.result({"stopped": True}, "Stopped. The same command goes on from there.")
    return STOPPED


def _document(
    entered: Sequence[Entered], choice: Choice, times: dict[str, float], out: Path
) -> dict[str, Any]:
    return {
        "runs": [
            {
                "run": str(out / run.name), "backbone": run.recipe.backbone,
                "strategy": run.recipe.strategy, "accuracy": accuracy, "interval": interval,
                "seconds": run.report.seconds, "milliseconds": times[run.name],
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
    }  # fmt: skip


def _text(entered: Sequence[Entered], choice: Choice, times: dict[str, float]) -> str:
    rows = zip(entered, choice.accuracy, choice.intervals, strict=True)
    lines = [
        f"{run.name}: right on {accuracy:.1%}, {in_words(interval)}; learned in "
        f"{run.report.seconds:.0f} s, answers in {times[run.name]:.1f} ms"
        for run, accuracy, interval in sorted(rows, key=lambda row: -row[1])
    ]
    lines += [
        "",
        f"Keep {entered[choice.chosen].name}: the simplest within one standard error "
        f"({100 * choice.stderr:.1f} of 100) of the best, on {choice.n} pictures that all share.",
        f"With the luck of choosing taken out, expect {choice.honest:.1%}: "
        f"{in_words(choice.honest_interval)}.",
    ]
    return "\n".join(lines)
