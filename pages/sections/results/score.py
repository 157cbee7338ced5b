"""A score with how sure it is: in words, and as a band on a line from 0 to 100."""

from functools import lru_cache
from pathlib import Path

from core.errors import NotFound
from core.evaluation.report import Report
from core.projects import RunRow
from pages.components import text


def report_of(run: RunRow) -> Report | None:
    """The report of a finished run; None while there is none."""
    try:
        return _read(run.folder, Report.changed(run.folder))
    except NotFound:
        return None


@lru_cache(maxsize=32)
def _read(run: Path, _changed: int) -> Report:
    return Report.load(run)


def words(report: Report) -> str:
    """The score as people say it: "About 90 % correct (likely 83–94 %)"."""
    low, high = (round(100 * bound) for bound in report.interval)
    return f"About {100 * report.accuracy:.0f} % correct (likely {low}–{high} %)"


def short(report: Report) -> str:
    """The same for a table: "90 % (83–94 %)"."""
    low, high = (round(100 * bound) for bound in report.interval)
    return f"{100 * report.accuracy:.0f} % ({low}–{high} %)"


def tested_on(report: Report) -> str:
    """What it was tested on: "On 202 images it had not seen", as HTML."""
    term = ' <span class="term">(cross-validation)</span>' if report.cross_validated else ""
    images = text.count(report.n, "image")
    return f"On {images} it had not seen{term}"


def range_bar(report: Report, *, thin: bool = False) -> str:
    """The band, the score as a dot, and the majority baseline as a tick, as HTML."""
    low, high = (100 * share for share in report.interval)
    score, base = 100 * report.accuracy, 100 * report.majority.accuracy
    said = f"{words(report)}; guessing: {base:.0f} %"
    scale = "" if thin else _scale(base)
    kind = "range thin" if thin else "range"
    return (
        f'<div class="{kind}" role="img" aria-label="{said}" title="{said}">'
        '<span class="track"></span>'
        f'<span class="band" style="left:{low:.1f}%;width:{high - low:.1f}%"></span>'
        f'<span class="tick" style="left:{base:.1f}%"></span>'
        f'<span class="dot" style="left:{score:.1f}%"></span>{scale}</div>'
    )


def _scale(base: float) -> str:
    first = '<span class="scale first" style="left:0">0</span>'
    last = '<span class="scale last" style="left:100%">100</span>'
    # Near an end the words stand there, in place of that end's number: they would run into it.
    if base <= 12:
        first = f'<span class="scale first" style="left:0">guessing {base:.0f}</span>'
        return first + last
    if base >= 84:
        return f'{first}<span class="scale last" style="left:100%">guessing {base:.0f}</span>'
    return f'{first}<span class="scale" style="left:{base:.1f}%">guessing {base:.0f}</span>{last}'
