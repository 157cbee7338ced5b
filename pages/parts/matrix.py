"""What is taken for what, as a heat map."""

import streamlit as st

from pages.parts import text
from pages.parts.score import Report

MOST_NUMBERS = 16


def matrix(report: Report) -> None:
    """True classes down, what it said across; the diagonal is right."""
    names = report["classes"]
    counts = report["confusion"]
    labels = _distinct([text.plotly(name, 22) for name in names])
    shares = [[n / max(1, sum(row)) for n in row] for row in counts]
    ink = [[str(n) if n else "" for n in row] for row in counts]
    figure = {
        "data": [
            {
                "type": "heatmap",
                "z": shares,
                "x": labels,
                "y": labels,
                "text": ink,
                "customdata": counts,
                "texttemplate": "%{text}" if len(names) <= MOST_NUMBERS else "",
                "hovertemplate": "is %{y}<br>says %{x}<br>%{customdata} pictures<extra></extra>",
                "colorscale": [[0, "rgba(47,125,91,0.05)"], [0.15, "#b3d8c3"], [1, "#24694b"]],
                "zmin": 0,
                "zmax": 1,
                "showscale": False,
                "xgap": 2,
                "ygap": 2,
            }
        ],
        "layout": {
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
