"""`report`: what is known about a run as one document, all of it or a page."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from core.cli._command import Command, add_run
from core.cli._runs import require_run, result_of
from core.cli._terminal import Terminal
from core.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("file", type=Path, metavar="FILE", help="FILE.html or FILE.pdf")
    parser.add_argument(
        "--summary",
        action="store_true",
        help="one page: the classes, the score, five right and five wrong answers, the limits",
    )


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    return report(chosen.run, chosen.file, settings, terminal, summary=chosen.summary)


def report(
    run: Path, file: Path, settings: Settings, terminal: Terminal, *, summary: bool = False
) -> int:
    """Write the story of a run, or its summary on one page, as HTML or as a PDF, as the file's
    name ends."""
    from core.export.report import write_document

    require_run(run)
    result = result_of(write_document(run, file, settings, summary=summary), terminal)
    what = "summary" if summary else "report"
    terminal.result(result, f"The {what} is in {result['file']}.")
    return 0


COMMAND = Command(
    "write a full report of a run, or a summary on one page, as HTML or PDF",
    ("report run report.pdf", "report run summary.pdf --summary"),
    _run,
    _add_arguments,
    order=42,
)
