"""`export`: a model in a file that works without this program."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from core.cli._command import Command, add_run
from core.cli._runs import require_run, result_of
from core.cli._terminal import Terminal
from core.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    from core.export.formats import DEFAULT, formats

    titles = "; ".join(f"{name}: {form.title}" for name, form in formats().items())
    add_run(parser)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--format",
        choices=sorted(formats()),
        help=f"{titles}; default: what FILE ends with, else {DEFAULT}",
    )


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.export.formats import DEFAULT, guessed

    form = chosen.format or guessed(chosen.file) or DEFAULT
    return export(chosen.run, chosen.file, settings, terminal, form=form)


def export(run: Path, file: Path, settings: Settings, terminal: Terminal, *, form: str) -> int:
    """Write a run's model in one of the formats of `core.export.formats`."""
    from core.export.formats import export as events_of
    from core.export.rehearsal import in_words

    require_run(run)
    result = result_of(events_of(run, file, settings, form=form), terminal)
    found = f" {in_words(result)}" if "n" in result else ""
    terminal.result(result, f"The model is in {result['file']}.{found}")
    return 0


COMMAND = Command(
    "write a model to a file that works without this program",
    ("export run model.zip", "export run model.onnx"),
    _run,
    _add_arguments,
    order=42,
)
