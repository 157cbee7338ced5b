"""A score with how sure it is: in words, and as a band on a line from 0 to 100."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from core import RunRow, in_words, judged_by

Report = Mapping[str, Any]


def report_of(run: RunRow) -> Report | None:
    """The report of a finished run; None while there is none."""
    file = run.folder / "report.json"
    try:
        return _read(file, file.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=32)
def _read(file: Path, _changed: int) -> Report:
    content: Report = json.loads(file.read_text(encoding="utf-8"))
    return content


def words(report: Report) -> str:
    """How sure the score is: "between 79 and 96 of 100"."""
    low, high = report["interval"]
    return in_words((low, high))


def judged_on(report: Report) -> str:
    """Who judged which pictures, as HTML."""
    rounds = report.get("rounds", 1)
    term = ' <span class="term">(cross-validation)</span>' if rounds > 1 else ""
    return f"Judged on {report['n']:,} pictures{judged_by(rounds)}{term}"


def range_bar(report: Report, *, thin: bool = False) -> str:
    """The band, the score as a dot, and the majority baseline as a tick, as HTML."""
    low, high = (100 * share for share in report["interval"])
    score, base = 100 * report["accuracy"], 100 * report["majority"]["accuracy"]
    said = f"{score:.0f} of 100; {words(report)}; always the largest class: {base:.0f} of 100"
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
