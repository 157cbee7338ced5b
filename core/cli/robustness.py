"""`robustness`: a model on worse images, and on images of which a part is hidden."""

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from core.cli._command import Command, add_run
from core.cli._runs import require_run, result_of
from core.cli._terminal import Terminal
from core.errors import GraftError
from core.evaluation.metrics import in_words
from core.settings import Settings


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    return robustness(chosen.run, settings, terminal)


def robustness(run: Path, settings: Settings, terminal: Terminal) -> int:
    """Say how a run's model does on its test images when these get worse or are hidden partly."""
    from core.analysis.background_reliance import CAVEAT
    from core.analysis.robustness import known_robustness
    from core.analysis.robustness import robustness as events_of

    require_run(run)
    result_of(events_of(run, settings), terminal)
    found = known_robustness(run)
    if found is None or found.background is None:
        raise GraftError("There is no result. Try again.")
    background = found.background
    document = asdict(found)
    for each in (*document["conditions"], *document["background"]["masks"]):
        del each["image"]  # a terminal shows none
    lines = [
        f"{each.title}, {each.level}: {each.correct} of {found.n} correct, likely "
        f"{in_words(each.interval)}{('; worse' if each.worse else '')}"
        for each in found.conditions
    ]
    lines += [
        f"{each.title}: {each.correct} of {background.n} correct, likely {in_words(each.interval)}"
        for each in background.masks
    ]
    before = f"Unaltered: {found.correct} of {found.n} correct."
    terminal.result(document, "\n".join([before, *lines, background.verdict, CAVEAT]))
    return 0


COMMAND = Command(
    "test a model on altered images (blurred, noisy, dark, bright, compressed, tilted), and "
    "whether it relies on the background",
    ("robustness run",),
    _run,
    add_run,
    order=41,
)
