"""`train`: from a folder of pictures to a run, in the foreground; stops and goes on on request."""

import json
import os
import signal
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.cli.terminal import Terminal
from core.dataset.manifest import Role
from core.errors import BadInput, BadRecipe, GraftError, NotFound
from core.evaluation.metrics import in_words
from core.evaluation.report import Report, evaluated_by, target_domain_caveat
from core.events import Event, Failed, Finished, Note, Stopped
from core.files import replace_file, sealed
from core.recipe import Evaluation, Recipe, in_one_sentence
from core.settings import Settings
from core.training.evaluation_mode import usual_evaluation

_RECIPE = "recipe.json"
STOPPED = 130
"""Exit code after Ctrl-C, as shells expect, so that `train … && export …` does not go on."""


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
) -> int:
    """Import `data`, train as chosen, and tell the score; returns the exit code.

    `choices` are the fields of a Recipe but the dataset, "evaluation" only where it was said;
    `columns` those of a table in `data` that hold classes, in case they are not found; `beside`
    further pictures and what they are for; `keep` leaves grey, 16-bit and many-channel pictures as
    they are. A run that exists is gone on with if its recipe is the same; otherwise BadRecipe names
    what differs.
    """
    recipe_with(choices, "0" * 16)  # a mistyped choice is told before any picture is looked at
    require_place(run)
    with stop_signals() as stop:
        brought: list[tuple[Path, Role]] = [(data, "labelled"), *beside]
        alone = not choices.get("start")
        dataset = imported(brought, columns, settings, terminal, stop, alone=alone, keep=keep)
        if dataset is None:
            terminal.result(
                {"run": str(run), "stopped": True},
                "Stopped before training began. The same command starts again.",
            )
            return STOPPED
        evaluation = choices.get("evaluation") or _usual(run, choices, dataset, settings)
        make_run(run, recipe_with({**choices, "evaluation": evaluation}, dataset))
        last = drained(run, settings, terminal, stop)
    if isinstance(last, Stopped):
        document = {"run": str(run), "stopped": True, "step": last.step, "of": last.of}
        at = f" at step {last.step} of {last.of}" if last.of else ""
        terminal.result(document, f"Stopped{at}. The same command goes on from there.")
        return STOPPED
    report = Report.load(run)
    terminal.result(_summary(run, report), _summary_text(run, report))
    return 0


def recipe_with(choices: dict[str, Any], dataset: str) -> Recipe:
    """The recipe, checked as far as it can be without the pictures. Raises BadRecipe."""
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
    """How the run that is gone on with is evaluated, or what is usual for these images."""
    from core.dataset.store import Store
    from core.strategies import get_strategy

    file = run / _RECIPE
    if file.exists():
        return Recipe.from_json(file.read_bytes()).evaluation
    if choices.get("start") or choices.get("teacher"):  # that model has learned from the others
        return "holdout"
    return usual_evaluation(Store(settings.home).load(dataset), get_strategy(choices["strategy"]))


def require_looked_at(strategy: str, beside: Sequence[tuple[Path, Role]]) -> None:
    """Raise BadRecipe when pictures of some role are brought that this strategy never looks at."""
    from core.strategies import get_strategy, strategies
    from core.transfer.strategy import looks_at

    for role in {role for _, role in beside} - looks_at(get_strategy(strategy)):
        fitting = [name for name, known in strategies().items() if role in looks_at(known)]
        raise BadRecipe(
            f"“{strategy}” never looks at what comes with --{role}. Leave it out, or choose one "
            f"of: {', '.join(fitting)}."
        )


def require_no_target_labels(strategy: str, source: Sequence[Path]) -> None:
    """Raise BadRecipe when this strategy would learn from the classes of DATA."""
    from core.strategies import get_strategy, strategies

    if get_strategy(strategy).learns == "target":
        fitting = [name for name, known in strategies().items() if known.learns == "source"]
        raise BadRecipe(
            f"“{strategy}” learns from the classes in DATA. With --unlabelled-target choose one "
            f"of: {', '.join(fitting)}."
        )
    if not source:
        raise BadRecipe(
            "With --unlabelled-target the classes are learned from another world: name its sorted "
            "pictures with --source DATA."
        )


def parsed_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """["lr=0.1", "mirror=no"] as {"lr": 0.1, "mirror": "no"}: JSON where it is some, else text."""
    options: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BadRecipe(f"“--set {pair}” is not of the form name=value.")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options


def imported(
    brought: Sequence[tuple[Path, Role]],
    columns: Sequence[str],
    settings: Settings,
    terminal: Terminal,
    stop: threading.Event,
    *,
    alone: bool,
    keep: bool,
) -> str | None:
    """The id of the dataset that the pictures make; None when stopped before they are in.

    Raises UnusableDataset when they cannot teach a classifier.
    """
    from core.dataset.ingest.importing import import_images
    from core.dataset.store import Store

    for data, _ in brought:
        if not data.exists():
            raise NotFound(f"There is no folder or archive “{data}”.")
    store, dataset = Store(settings.home), None
    title = brought[0][0].resolve().name
    for data, role in brought:
        own = columns if role == "labelled" else ()
        events = import_images(
            data,
            store,
            settings,
            title=title,
            role=role,
            add_to=dataset,
            columns=own,
            keep=keep,
            follow_links=True,
        )
        last = terminal.drain(until(events, stop))
        if isinstance(last, Stopped):
            return None
        dataset = store.load(last.result["dataset"])
        dataset.require_trainable(alone=alone)  # before the run's folder is made
    return dataset.id if dataset else None


def with_pictures(
    data: Path,
    recipes: Sequence[Recipe],
    settings: Settings,
    terminal: Terminal,
    stop: threading.Event,
) -> list[Recipe] | None:
    """These recipes with the sorted pictures at `data`; None when stopped before they are in."""
    dataset = imported([(data, "labelled")], (), settings, terminal, stop, alone=True, keep=False)
    if dataset is None:
        return None
    return [recipe.model_copy(update={"dataset": dataset}) for recipe in recipes]


def until(events: Iterator[Event], stop: threading.Event) -> Iterator[Event]:
    """The events up to a stop that is asked for; the last word always comes through."""
    for event in events:
        yield event
        if stop.is_set() and not isinstance(event, Finished):
            return


def require_place(run: Path) -> None:
    """Raise BadInput unless a run is, or can be made, at this path."""
    if (run / _RECIPE).exists():
        return
    if not run.exists():
        above = next(folder for folder in run.absolute().parents if folder.exists())
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise BadInput(
                f"“{run}” cannot be made: nothing can be written to “{above}”. Choose another "
                "place with --out."
            )
        return
    if not run.is_dir() or any(run.iterdir()):
        raise BadInput(f"“{run}” exists already and is no run; choose another place with --out.")


def make_run(run: Path, recipe: Recipe) -> None:
    """Make the run's folder, or see that the one there is of the same recipe."""
    from core.jobs.spec import JobCard

    file = run / _RECIPE
    if file.exists():
        _require_same(Recipe.from_json(file.read_bytes()), recipe, run)
        return
    run.mkdir(parents=True, exist_ok=True)
    JobCard("train").write(run)
    replace_file(file, sealed(recipe.to_json()))


def _require_same(before: Recipe, now: Recipe, run: Path) -> None:
    old, new = before.model_dump(), now.model_dump()
    differences = [
        "the pictures" if name == "dataset" else f"{name} (was {old[name]}, now {new[name]})"
        for name in old
        if old[name] != new[name]
    ]
    if differences:
        raise BadRecipe(
            f"“{run}” holds a run with other choices: {', '.join(differences)} differ. "
            "Choose another place with --out, or repeat the command that made it."
        )


def drained(
    run: Path, settings: Settings, terminal: Terminal, stop: threading.Event
) -> Finished | Stopped:
    """Train to the end or to a stop, writing down every event as the worker does."""
    from core.jobs import log
    from core.jobs.lock import job_lock

    def written() -> Generator[Event, None, None]:
        from core.training.run import train as events_of

        for event in events_of(run, settings, stop.is_set):
            log.append(run, event)
            yield event

    with job_lock(run):
        earlier = [e for e in log.read_events(run)[0] if isinstance(e, Finished)]
        if earlier:
            terminal.event(Note("This run is finished already; nothing was trained again."))
            return earlier[-1]
        try:
            with closing(written()) as events:
                return terminal.drain(events)
        except GraftError as error:
            log.append(run, Failed(str(error)))
            raise


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets; a second Ctrl-C interrupts at once."""
    stop = threading.Event()

    def ask(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
        f"Right on {report.correct} of {report.n} pictures{evaluated_by(report.n_folds)}: "
        f"{report.accuracy:.1%}, with 95 % confidence {in_words(report.interval)}.",
        f"Always answering the most frequent class: {base} of 100.",
    ]
    if report.start:
        lines.append(f"Compared with its start: {report.start.verdict}")
    if caveat := target_domain_caveat(report.target_domain):
        lines.append(caveat)
    if kept := report.retention:
        lines.append(
            f"Of {kept.n} pictures that the earlier model was judged with, it knew "
            f"{kept.before} and this one knows {kept.now}. {kept.verdict}"
        )
    return "\n".join(lines)
