"""`train`: from a folder of images to a run, in the foreground; stops and resumes on request."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.cli._command import (
    STOPPED,
    Command,
    add_data,
    add_evaluation,
    add_labels,
    add_read_as,
    add_seed,
    evaluation_of,
    labels_of,
    read_as_of,
)
from core.cli._importing import imported, stop_signals
from core.cli._runs import drained, make_run, recipe_of, require_room
from core.cli._same_images import dataset_as_before
from core.cli._terminal import Terminal
from core.dataset.ingest.understanding import ReadAs
from core.dataset.manifest import Role
from core.errors import BadRecipe
from core.evaluation.metrics import in_words
from core.evaluation.report import Report, evaluated_by, target_domain_caveat
from core.events import Stopped
from core.recipe import Evaluation, Recipe, in_one_sentence
from core.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    from core.backbones.catalogue import DEFAULT

    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    parser.add_argument("--backbone", default=DEFAULT, metavar="B", help="default: %(default)s")
    parser.add_argument(
        "--strategy", default="feature_extraction", metavar="S", help="default: %(default)s"
    )
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="key=value",
        help="option of the strategy; `strategies` lists them",
    )
    add_labels(parser)
    add_read_as(parser)
    parser.add_argument(
        "--keep-channels",
        action="store_true",
        help="keep grey, 16-bit and many-channel images as they are, instead of converting to RGB",
    )
    _add_further_data(parser)
    add_seed(parser)
    parser.add_argument(
        "--holdout",
        type=float,
        default=0.2,
        metavar="FRACTION",
        help="fraction of each class held out for the test; default: %(default)s",
    )
    add_evaluation(parser, "cross-validation for small sets that train in seconds")
    parser.add_argument(
        "--size", type=int, default=0, metavar="PX", help="input size; default: the backbone's own"
    )
    parser.add_argument(
        "--fit",
        default="squash",
        metavar="HOW",
        help="how a non-square image becomes square: squash, pad or crop; default: %(default)s",
    )


def _add_further_data(parser: ArgumentParser) -> None:
    def data(flag: str, about: str) -> None:
        parser.add_argument(
            flag, type=Path, nargs="+", action="extend", default=[], metavar="DATA", help=about
        )

    data("--source", "labelled images of a different kind (source domain), with the same classes")
    data("--unlabelled", "more images of the same kind, without labels")
    parser.add_argument(
        "--unlabelled-target",
        action="store_true",
        help="train without the labels in DATA, and use them only for the test (domain adaptation)",
    )
    parser.add_argument(
        "--teacher", type=Path, metavar="RUN", help="finished run to learn from (distillation)"
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="RUN",
        help="finished run whose network is the backbone",
    )


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    evaluation = evaluation_of(chosen)
    choices = {
        "backbone": chosen.backbone,
        "strategy": chosen.strategy,
        "options": parsed_settings(chosen.set),
        "size": chosen.size,
        "fit": chosen.fit,
        "holdout": chosen.holdout,
        **({"evaluation": evaluation} if evaluation else {}),
        "seed": chosen.seed,
        "start": _run_path(chosen.start),
        "teacher": _run_path(chosen.teacher),
    }
    if chosen.unlabelled_target:
        require_no_target_labels(chosen.strategy, chosen.source)
    beside: list[tuple[Path, Role]] = [(path, "source") for path in chosen.source]
    beside += [(path, "unlabelled") for path in chosen.unlabelled]
    require_looked_at(chosen.strategy, beside)
    return train(
        chosen.data, chosen.out, choices, settings, terminal,
        columns=labels_of(chosen), read_as=read_as_of(chosen), beside=beside,
        keep=chosen.keep_channels,
    )  # fmt: skip


def _run_path(run: Path | None) -> str:
    return str(run.resolve()) if run else ""


def train(
    data: Path,
    run: Path,
    choices: dict[str, Any],
    settings: Settings,
    terminal: Terminal,
    *,
    columns: Sequence[str] = (),
    beside: Sequence[tuple[Path, Role]] = (),
    keep: bool = False,
    read_as: ReadAs | None = None,
) -> int:
    """Import `data`, train as chosen, and print the score; returns the exit code.

    `choices` are the fields of a Recipe but the dataset, "evaluation" only where it was said;
    `columns` and `read_as` are for import_images, as is `keep`; `beside` are further images and
    what they are for. A run that exists is resumed if its recipe is the same; otherwise BadRecipe
    names what differs.
    """
    recipe_with(choices, "0" * 16)  # a mistyped choice is told before any image is looked at
    require_room(run)
    with stop_signals() as stop:
        dataset = imported(
            [(data, "labelled"), *beside], columns, settings, terminal, stop,
            alone=not choices.get("start"), keep=keep, read_as=read_as,
        )  # fmt: skip
        if dataset is None:
            terminal.result(
                {"run": str(run), "stopped": True},
                "Stopped before training began. Run the command again to start over.",
            )
            return STOPPED
        dataset = dataset_as_before(run, dataset, settings)
        evaluation = choices.get("evaluation") or _usual(run, choices, dataset, settings)
        make_run(run, recipe_with({**choices, "evaluation": evaluation}, dataset))
        last = drained(run, settings, terminal, stop)
    if isinstance(last, Stopped):
        document = {"run": str(run), "stopped": True, "step": last.step, "of": last.of}
        at = f" at step {last.step} of {last.of}" if last.of else ""
        terminal.result(document, f"Stopped{at}. Run the command again to resume.")
        return STOPPED
    report = Report.load(run)
    terminal.result(_summary(run, report), _summary_text(run, report))
    return 0


def recipe_with(choices: dict[str, Any], dataset: str) -> Recipe:
    """The recipe, checked as far as it can be without the images. Raises BadRecipe."""
    from core.backbones.catalogue import get_backbone
    from core.strategies import get_strategy
    from core.transfer.option_info import resolve

    try:
        recipe = Recipe.model_validate({**choices, "dataset": dataset})
    except ValidationError as error:
        raise BadRecipe(in_one_sentence(error)) from error
    family = get_backbone(recipe.backbone).family
    strategy = get_strategy(recipe.strategy)
    resolve(strategy, recipe.options, images=300, classes=5, family=family)
    return recipe


def _usual(run: Path, choices: dict[str, Any], dataset: str, settings: Settings) -> Evaluation:
    """How the run that is resumed is evaluated, or what is usual for these images."""
    from core.dataset.store import Store
    from core.strategies import get_strategy
    from core.training.evaluation_mode import usual_evaluation

    if before := recipe_of(run):
        return before.evaluation
    if choices.get("start") or choices.get("teacher"):  # that model has learned from the others
        return "holdout"
    return usual_evaluation(Store(settings.home).load(dataset), get_strategy(choices["strategy"]))


def require_looked_at(strategy: str, beside: Sequence[tuple[Path, Role]]) -> None:
    """Raise BadRecipe when images of some role are brought that this strategy never looks at."""
    from core.strategies import get_strategy, strategies
    from core.transfer.strategy import looks_at

    for role in {role for _, role in beside} - looks_at(get_strategy(strategy)):
        fitting = [name for name, known in strategies().items() if role in looks_at(known)]
        raise BadRecipe(
            f"“{strategy}” does not use --{role}. Leave it out, or choose one of: "
            f"{', '.join(fitting)}."
        )


def require_no_target_labels(strategy: str, source: Sequence[Path]) -> None:
    """Raise BadRecipe when this strategy would learn from the classes of DATA."""
    from core.strategies import get_strategy, strategies

    if get_strategy(strategy).learns == "target":
        fitting = [name for name, known in strategies().items() if known.learns == "source"]
        raise BadRecipe(
            f"“{strategy}” needs the classes in DATA. With --unlabelled-target choose one of: "
            f"{', '.join(fitting)}."
        )
    if not source:
        raise BadRecipe(
            "With --unlabelled-target the classes come from the source domain: add its "
            "labelled images with --source DATA."
        )


def parsed_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """["lr=0.1", "mirror=no"] as {"lr": 0.1, "mirror": "no"}: JSON where it is some, else text."""
    options: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BadRecipe(f"“--set {pair}” must have the form name=value.")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options


def _summary(run: Path, report: Report) -> dict[str, Any]:
    content = asdict(report)
    for each in (content, *content["other_tasks"]):
        del each["predictions"]
    return {"run": str(run), **content}


def _summary_text(run: Path, report: Report) -> str:
    said = [_scores_text(each) for each in report.tasks.values()]
    return "\n".join([*said, f"The run is in {run}"])


def _scores_text(report: Report) -> str:
    base = round(100 * report.majority.accuracy)
    lines = [
        *([f"{report.task}:"] if report.task else []),
        f"Correct on {report.correct} of {report.n} images{evaluated_by(report.n_folds)}: "
        f"{100 * report.accuracy:.1f} % (likely {in_words(report.interval)}, 95 % confidence).",
        f"Always answering the most frequent class: {base} %.",
    ]
    if report.start:
        lines.append(f"Compared with the start: {report.start.verdict}")
    if caveat := target_domain_caveat(report.target_domain):
        lines.append(caveat)
    if kept := report.retention:
        lines.append(
            f"Of {kept.n} images that the earlier model was tested on, it got {kept.before} "
            f"right and this one {kept.now}. {kept.verdict}"
        )
    return "\n".join(lines)


COMMAND = Command(
    "train a model; repeat the command to resume",
    (
        "train images --out run",
        "train images --backbone tf_efficientnet_lite0 --strategy last_stages --set steps=200 "
        "--out run",
    ),
    _run,
    _add_arguments,
    order=30,
)
