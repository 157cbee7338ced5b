"""`report`: all that is known about a run, as one document."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from core.cli._command import Command, add_run
from core.cli._runs import require_run, result_of
from core.cli._terminal import Terminal
from core.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("file", type=Path, metavar="FILE", help="FILE.html or FILE.pdf")


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    return report(chosen.run, chosen.file, settings, terminal)


def report(run: Path, file: Path, settings: Settings, terminal: Terminal) -> int:
    """Write the story of a run as one HTML page, or as a PDF where the file's name ends so."""
    from core.export.report import write_document

    require_run(run)
    result = result_of(write_document(run, file, settings), terminal)
    terminal.result(result, f"The report is in {result['file']}.")
    return 0


COMMAND = Command(
    "write a full report of a run as HTML or PDF",
    ("report run report.pdf",),
    _run,
    _add_arguments,
    order=42,
)
