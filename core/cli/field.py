"""`field`: how a model does in use, by a random sample of its answers that a person looks at."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.cli._command import Command
from core.cli._terminal import Terminal
from core.errors import NotFound
from core.settings import Settings

if TYPE_CHECKING:
    from core.evaluation.report import Report
    from core.field.audit import Audit
    from core.field.standing import Standing
    from core.projects import RunRow

_VERDICTS = {
    "worse": "worse than promised",
    "better": "better than promised",
    "cannot tell": "whether that differs from the promise, these images cannot tell",
}


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "id",
        metavar="ID",
        help="a run, or a project for the model it keeps; both stand in the web app's address",
    )
    help_ = "draw up to N images at random, to be looked at in the web app"
    parser.add_argument("--draw", type=int, metavar="N", help=help_)


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.evaluation.report import Report
    from core.field.audit import audits_of, begin, waiting
    from core.field.standing import promise_of, standing_of
    from core.projects.database import migrate

    migrate(settings)
    run = _run_of(chosen.id)
    report = Report.load(run.folder)
    if chosen.draw is not None:
        begin(run.id, settings, size=chosen.draw)
    standing, promise = standing_of(run.id, settings), promise_of(report)
    audits = [_audit(each, report) for each in audits_of(run.id, settings)]
    alarm = standing.watched.alarm
    document = {
        "run": run.id,
        "promised": {"correct": promise.correct, "n": promise.n, "interval": promise.interval},
        "answers": len(standing.rows),
        "alarm": asdict(alarm) if alarm else None,
        "waiting": waiting(run.id, settings),
        "audits": audits,
    }
    terminal.result(document, "\n".join(_lines(document, standing)))
    return 0


def _run_of(name: str) -> "RunRow":
    """The run of this id, or the one whose model the project of this id keeps."""
    from core.jobs.kept_model import kept_run
    from core.projects import get_run

    try:
        return get_run(name)
    except NotFound:
        return kept_run(name)


def _audit(audit: "Audit", report: "Report") -> dict[str, Any]:
    from core.field.accuracy import verdict
    from core.field.standing import promise_of

    n = len(audit.counted)
    return {
        "id": audit.id, "created_at": audit.created_at, "population": audit.population,
        "drawn": len(audit.images), "open": len(audit.open), "n": n, "correct": audit.correct,
        "interval": audit.interval, "verdict": verdict(audit.correct, n, promise_of(report)),
    }  # fmt: skip


def _lines(document: dict[str, Any], standing: "Standing") -> list[str]:
    from core.evaluation.metrics import in_words

    promised = document["promised"]
    lines = [
        f"Promised: {promised['correct']} of {promised['n']} test images correct "
        f"(likely {in_words(promised['interval'])}, 95 % confidence)."
    ]
    said = "have changed" if standing.watched.alarm else "look like those on the test images"
    if standing.rows:
        lines.append(f"Its {len(standing.rows):,} answers {said}.")
    for audit in document["audits"]:
        found = f"Audit {audit['id']}: {audit['n']} of {audit['drawn']} images looked at"
        if audit["n"]:
            found += (
                f", {audit['correct']} correct (likely {in_words(audit['interval'])} of the "
                f"{audit['population']:,} images used); {_VERDICTS[audit['verdict']]}"
            )
        lines.append(f"{found}.")
    lines.append(f"{document['waiting']:,} images wait for an audit.")
    return lines


COMMAND = Command(
    "say how a model does in use, or draw images to find out",
    ("field 0123456789abcdef", "field 0123456789abcdef --draw 60"),
    _run,
    _add_arguments,
    order=44,
)
