"""`sweep`: several backbones and strategies on a folder of images, and which to keep."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from core.cli._command import (
    STOPPED,
    Command,
    add_data,
    add_evaluation,
    add_seed,
    evaluation_of,
    separated,
)
from core.cli._importing import stop_signals, with_images
from core.cli._runs import drained, make_run
from core.cli._terminal import Terminal
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


def _add_arguments(parser: ArgumentParser) -> None:
    add_data(parser)
    parser.add_argument("--backbones", required=True, metavar="B[,B]", help="networks to try")
    parser.add_argument("--strategies", required=True, metavar="S[,S]", help="strategies to try")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for all the runs"
    )
    add_evaluation(parser, "cross-validation")
    add_seed(parser)


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    return sweep(
        chosen.data,
        chosen.out,
        settings,
        terminal,
        backbones=separated(chosen.backbones),
        strategies=separated(chosen.strategies),
        evaluation=evaluation_of(chosen),
        seed=chosen.seed,
    )


def sweep(
    data: Path,
    out: Path,
    settings: Settings,
    terminal: Terminal,
    *,
    backbones: Sequence[str],
    strategies: Sequence[str],
    evaluation: Evaluation | None,
    seed: int,
) -> int:
    """Import `data`, train every backbone by every strategy, each into a folder of its own below
    `out`, and say which to keep; returns the exit code. The same command resumes.

    Without `evaluation` cross-validated, or tested on the test part that came with the images.
    """
    wanted = candidates(
        NONE_YET,
        backbones,
        strategies,
        has={"labelled"},
        evaluation=evaluation or "cross_validation",
        seed=seed,
    )
    if len(wanted) < 2:
        raise BadRecipe(
            "There is nothing to compare: name at least two backbones or strategies that fit "
            "together and need no other images or runs."
        )
    with stop_signals() as stop:
        recipes = with_images(data, wanted, settings, terminal, stop)
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
    terminal.result({"stopped": True}, "Stopped. Run the command again to resume.")
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
            f"{run['run']}: {100 * run['accuracy']:.1f} % correct (likely "
            f"{in_words(run['interval'])}); trained in {run['seconds']:.0f} s, predicts in "
            f"{run['milliseconds']:.1f} ms, {run['megabytes']:.1f} MB"
        )
        if run["beside_kept"]:
            lines.append(f"  Compared with the one to keep: {run['beside_kept']['verdict']}")
    return "\n".join([*lines, "", f"Keep {document['keep']}. {document['said']}"])


COMMAND = Command(
    "train several networks with several strategies on the same images, and say which to keep",
    (
        "sweep images --backbones tf_efficientnet_lite0 --strategies feature_extraction,full "
        "--out runs",
    ),
    _run,
    _add_arguments,
    order=31,
    earlier_names=("tournament",),
)
