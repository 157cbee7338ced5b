"""The story of a run, or a page of it, as one HTML page or a PDF to be taken away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from core.events import Event
from core.jobs.baseline_runs import beside
from core.jobs.folder import result_file
from core.jobs.kinds import JobKind, RunArgs, ShouldStop
from core.projects import run_folder
from core.settings import Settings


class Args(RunArgs):
    """The run and the form of the report."""

    form: Literal["html", "pdf", "summary-html", "summary-pdf"] = "html"


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Write it, with the runs that it is to be seen beside."""
    from core.export.report import write_document

    summary, _, suffix = args.form.rpartition("-")
    file = result_file(folder, f"{summary or 'report'}.{suffix}")
    yield from write_document(
        run_folder(args.run), file, settings, others=beside(args.run), summary=bool(summary)
    )


KIND = JobKind("report", Args, run, action="test")
