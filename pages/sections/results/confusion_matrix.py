"""What is taken for what: as a heat map, or of many classes as a list."""

from collections.abc import Sequence

import streamlit as st

from core.evaluation.metrics import MOST_IN_MATRIX, MOST_PAIRS, confused_pairs
from core.evaluation.report import Report
from pages.components import text


def matrix(report: Report) -> None:
    """True classes down, what it said across, the diagonal is right; of many classes those that
    are mixed up most often."""
    if len(report.classes) > MOST_IN_MATRIX:
        st.html(_most_often(report))
    else:
        _heat_map(report)


def _most_often(report: Report) -> str:
    pairs = confused_pairs(report.confusion, report.classes)
    if not pairs:
        return "<p>No class was confused with another.</p>"
    items = "".join(f"<li>{_pair(*pair)}</li>" for pair in pairs[:MOST_PAIRS])
    left = len(pairs) - MOST_PAIRS
    others = f"{left:,} more pairs, none mixed up more often"
    more = f'<p class="muted small">{others}</p>' if left > 0 else ""
    return (
        f'<p class="muted">The most frequent mix-ups among {len(report.classes):,} classes, with '
        'the number of test images <span class="term">largest entries of the confusion matrix'
        f"</span></p><ul>{items}</ul>{more}"
    )


def _heat_map(report: Report) -> None:
    names = [text.bdi(name, 22) for name in report.classes]
    top = "".join(f'<th scope="col"><span>{name}</span></th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{names[true]}</th>{_cells(row)}</tr>'
        for true, row in enumerate(report.confusion)
    )
    st.html(
        '<p class="muted">Each row holds the images of one class; the numbers show what they were '
        'taken for. <span class="term">confusion matrix</span></p>'
        '<div class="scroll"><table class="matrix"><thead><tr><td>correct class</td>'
        f'<th scope="colgroup" colspan="{len(names)}">model’s answer</th></tr>'
        f"<tr><td></td>{top}</tr></thead><tbody>{rows}</tbody></table></div>"
        f'<p class="small">{_in_words(report)}</p>'
    )


def _cells(row: Sequence[int]) -> str:
    """The more of the class's images are in a cell, the fuller its colour."""
    whole = max(1, sum(row))
    return "".join(f'<td style="--share:{100 * n / whole:.0f}%">{n or ""}</td>' for n in row)


def _in_words(report: Report) -> str:
    pairs = confused_pairs(report.confusion, report.classes)
    if not pairs:
        return "No class was confused with another."
    return f"Most often mixed up: {'; '.join(_pair(*pair) for pair in pairs[:3])}."


def _pair(n: int, true: str, said: str) -> str:
    return f"{text.html(true, 30)} taken for {text.html(said, 30)}: {n}"
