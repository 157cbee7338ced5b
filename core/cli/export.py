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
        default=DEFAULT,
        help=f"{titles}; default: %(default)s",
    )


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    return export(chosen.run, chosen.file, settings, terminal, form=chosen.format)


def export(run: Path, file: Path, settings: Settings, terminal: Terminal, *, form: str) -> int:
    """Write a run's model in one of the formats of `core.export.formats`."""
    from core.export.formats import export as events_of

    require_run(run)
    result = result_of(events_of(run, file, settings, form=form), terminal)
    lines = [f"The model is in {result['file']}."]
    if "greatest_difference" in result:
        lines.append(
            f"It was tried out on its own on {result['images']} images: its probabilities differ "
            f"from the app's by at most {result['greatest_difference']:.1e}."
        )
    terminal.result(result, " ".join(lines))
    return 0


COMMAND = Command(
    "write a model to a file that works without this program",
    ("export run model.zip",),
    _run,
    _add_arguments,
    order=42,
)
