"""What is taken for what, as a heat map."""

import streamlit as st

from pages.parts import text
from pages.parts.score import Report

MOST_NUMBERS = 16
FAINT_TO_FULL = {"light": ("#f1f6f2", "#24694b"), "dark": ("#1b2420", "#6fd3a8")}
INK = {"light": ("#22302a", "#ffffff"), "dark": ("#dfe9e3", "#0f1713")}
"""On faint cells, on full ones."""
FULL = 0.55
"""Share of a row from which a cell needs the ink of full ones to be legible."""


def matrix(report: Report) -> None:
    """True classes down, what it said across; the diagonal is right."""
    names = report["classes"]
    counts = report["confusion"]
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
                "hovertemplate": "is %{y}<br>says %{x}<br>%{customdata} pictures<extra></extra>",
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
                "title": {"text": "it says"},
                "side": "top",
                "type": "category",
                "showgrid": False,
                "automargin": True,
            },
            "yaxis": {
                "title": {"text": "it is"},
                "autorange": "reversed",
                "type": "category",
                "showgrid": False,
                "automargin": True,
            },
        },
    }
    st.html(
        '<p class="muted">Each row holds the pictures of one class; the numbers say what they were '
        'taken for. <span class="term">confusion matrix</span></p>'
    )
    st.plotly_chart(figure, key="matrix", config={"displayModeBar": False}, alt=_in_words(report))
    st.html(f'<p class="small">{_in_words(report)}</p>')


def _numbers(
    counts: list[list[int]], shares: list[list[float]], labels: list[str], theme: str
) -> list[dict[str, object]]:
    """The count in each cell that is not empty, in an ink that can be read on it."""
    if len(labels) > MOST_NUMBERS:
        return []
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
    names = report["classes"]
    pairs = [
        (n, names[true], names[said])
        for true, row in enumerate(report["confusion"])
        for said, n in enumerate(row)
        if true != said and n
    ]
    if not pairs:
        return "Nothing was mixed up."
    worst = sorted(pairs, key=lambda pair: -pair[0])[:3]
    said = "; ".join(f"{text.html(t, 30)} taken for {text.html(s, 30)}: {n}" for n, t, s in worst)
    return f"Most often mixed up: {said}."
