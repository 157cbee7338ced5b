"""What is taken for what: as a heat map, or of many classes as a list."""

from collections.abc import Sequence

import streamlit as st

from core.evaluation.metrics import MOST_IN_MATRIX, MOST_PAIRS, confused_pairs
from core.evaluation.report import Report
from pages.components import text

FAINT_TO_FULL = {"light": ("#f1f6f2", "#24694b"), "dark": ("#1b2420", "#6fd3a8")}
INK = {"light": ("#22302a", "#ffffff"), "dark": ("#dfe9e3", "#0f1713")}
"""On faint cells, on full ones."""
FULL = 0.55
"""Share of a row from which a cell needs the ink of full ones to be legible."""


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
    names = report.classes
    counts = report.confusion
    labels = _distinct([text.plotly(name, 22) for name in names])
    shares = [[n / max(1, sum(row)) for n in row] for row in counts]
    theme = "dark" if st.context.theme.type == "dark" else "light"
    figure = {
        "data": [
            {
                "type": "heatmap",
                "z": shares,
                "x": labels,
                "y": labels,
                "customdata": counts,
                "hovertemplate": "Correct: %{y}<br>Answer: %{x}<br>%{customdata} images"
                "<extra></extra>",
                "colorscale": list(enumerate(FAINT_TO_FULL[theme])),
                "zmin": 0,
                "zmax": 1,
                "showscale": False,
                "xgap": 2,
                "ygap": 2,
            }
        ],
        "layout": {
            "annotations": _numbers(counts, shares, labels, theme),
            "height": max(320, min(900, 90 + 44 * len(names))),
            "margin": {"l": 8, "r": 8, "t": 30, "b": 8},
            "xaxis": {
                "title": {"text": "model’s answer"},
                "side": "top",
                "type": "category",
                "showgrid": False,
                "automargin": True,
            },
            "yaxis": {
                "title": {"text": "correct class"},
                "autorange": "reversed",
                "type": "category",
                "showgrid": False,
                "automargin": True,
            },
        },
    }
    st.html(
        '<p class="muted">Each row holds the images of one class; the numbers show what they were '
        'taken for. <span class="term">confusion matrix</span></p>'
    )
    st.plotly_chart(figure, key="matrix", config={"displayModeBar": False}, alt=_in_words(report))
    st.html(f'<p class="small">{_in_words(report)}</p>')


def _numbers(
    counts: Sequence[Sequence[int]],
    shares: Sequence[Sequence[float]],
    labels: list[str],
    theme: str,
) -> list[dict[str, object]]:
    """The count in each cell that is not empty, in an ink that can be read on it."""
    return [
        {
            "x": labels[said],
            "y": labels[true],
            "text": str(n),
            "showarrow": False,
            "font": {"color": INK[theme][shares[true][said] >= FULL]},
        }
        for true, row in enumerate(counts)
        for said, n in enumerate(row)
        if n
    ]


def _distinct(labels: list[str]) -> list[str]:
    """Shortened names that became equal are told apart by a number; plotly merges equal ticks."""
    seen: dict[str, int] = {}
    distinct = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        distinct.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return distinct


def _in_words(report: Report) -> str:
    pairs = confused_pairs(report.confusion, report.classes)
    if not pairs:
        return "No class was confused with another."
    return f"Most often mixed up: {'; '.join(_pair(*pair) for pair in pairs[:3])}."


def _pair(n: int, true: str, said: str) -> str:
    return f"{text.html(true, 30)} taken for {text.html(said, 30)}: {n}"
