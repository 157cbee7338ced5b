"""`pretraining-analysis`: domain shift, and a learning curve."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli._command import STOPPED, Command, add_data, add_labels, labels_of
from core.cli._importing import imported, stop_signals, until
from core.cli._terminal import Terminal
from core.events import Finished
from core.settings import Settings

if TYPE_CHECKING:
    from core.pretraining_analysis.domain_shift import DomainShift, Nearness
    from core.pretraining_analysis.learning_curve import Curve
    from core.pretraining_analysis.summary import PretrainingAnalysis

_NEARNESS: "dict[Nearness, str]" = {
    "near": "These images look like the photographs that networks are pretrained on",
    "between": "These images differ somewhat from the photographs that networks are pretrained on",
    "far": "These images are very unlike the photographs that networks are pretrained on",
}


def _add_arguments(parser: ArgumentParser) -> None:
    add_data(parser)
    add_labels(parser)


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    return pretraining_analysis(chosen.data, settings, terminal, columns=labels_of(chosen))


def pretraining_analysis(
    data: Path, settings: Settings, terminal: Terminal, *, columns: Sequence[str] = ()
) -> int:
    """Import `data` and look ahead; returns the exit code. What was found before is told again.

    `columns` are those of a table in `data` that hold classes, in case they are not found.
    """
    from core.dataset.store import Store
    from core.pretraining_analysis.summary import analyse, pretraining_analysis_of

    store = Store(settings.home)
    with stop_signals() as stop:
        dataset = imported(
            [(data, "labelled")], columns, settings, terminal, stop, alone=True, keep=False
        )
        found = pretraining_analysis_of(dataset, settings) if dataset else None
        if dataset and found is None:
            events = analyse(store.load(dataset), store, settings)
            if isinstance(terminal.drain(until(events, stop)), Finished):
                found = pretraining_analysis_of(dataset, settings)
    if found is None:
        terminal.stopped()
        return STOPPED
    terminal.result(_document(found), _text(found))
    return 0


def _document(found: "PretrainingAnalysis") -> dict[str, Any]:
    """With the classes by their names."""
    content = asdict(found)
    curve = content["curve"]
    for point in curve["points"]:
        point["recall"] = dict(zip(found.classes, point["recall"], strict=True))
    curve["asked_by_class"] = found.curve.asked_by_class
    curve["helpful"] = [found.classes[index] for index in found.curve.helpful]
    return content


def _text(found: "PretrainingAnalysis") -> str:
    curve = found.curve
    points = [
        f"Trained on {point.images:,}: {100 * point.accuracy.mean:.1f} % correct, standard "
        f"error {100 * point.accuracy.stderr:.1f}"
        for point in curve.points
    ]
    return "\n".join([_how_far(found.domain_shift), *points, _trend(curve), _which(found)])


def _how_far(alike: "DomainShift") -> str:
    return (
        f"{_NEARNESS[alike.nearness]}: entropy of the 1,000 ImageNet answers "
        f"{alike.entropy.mean:.2f} of 1, mutual information with your classes "
        f"{alike.mutual_information.mean:.2f} of 1 (standard error "
        f"{alike.mutual_information.stderr:.2f}), divergence of the layers {alike.divergence:.2f}."
    )


def _trend(curve: "Curve") -> str:
    ahead = curve.forecast
    if curve.points[-1].accuracy.mean > 0.9995:
        return "All images are already recognised, so there is nothing to gain from more."
    if curve.trend == "unclear" or ahead is None:
        return "It is too early to tell whether more images would help."
    said = (
        f"with {ahead.images:,} expect about {100 * ahead.accuracy:.0f} % (likely "
        f"{100 * ahead.low:.0f}–{100 * ahead.high:.0f} %)."
    )
    if curve.trend == "rises":
        return f"More images help: {said}"
    return f"More images of the same kind would bring little: {said}"


def _which(found: "PretrainingAnalysis") -> str:
    curve = found.curve
    if not curve.asked_by_class:
        return (
            "Which class needs more images was not tested: with this many it would take too long."
        )
    if not curve.helpful:
        return "These images cannot tell which class needs more."
    names = " or ".join(found.classes[index] for index in curve.helpful)
    return f"Another {curve.pictures:,} images of {names} would probably help most."


COMMAND = Command(
    "measure how far images are from those the networks know (domain shift), and what more "
    "would bring (learning curve)",
    ("pretraining-analysis images",),
    _run,
    _add_arguments,
    order=22,
    earlier_names=("outlook",),
)
