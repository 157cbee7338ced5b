"""Loss and accuracy while it learns."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.jobs.status import JobStatus

MOST_POINTS = 240


def curves(now: JobStatus) -> None:
    """Two small charts side by side; nothing before the first step."""
    if len(now.curve) < 2:
        return
    right, lost = st.columns(2)
    with right:
        _chart(now, "accuracy", "Correct, %", "accuracy", 100.0)
    with lost:
        _chart(now, "loss", "Surprise at the right answer", "loss", 1.0)


def _chart(now: JobStatus, name: str, title: str, term: str, scale: float) -> None:
    steps, values = _smooth([(s.step, getattr(s, name) * scale) for s in now.curve])
    traces: list[dict[str, Any]] = [
        {"x": steps, "y": values, "name": "training images", "mode": "lines",
         "line": {"width": 2.5, "color": "#2f7d5b"}},
    ]  # fmt: skip
    if now.watched:
        traces.append(
            {"x": [w.step for w in now.watched], "name": "validation images",
             "y": [getattr(w, name) * scale for w in now.watched], "mode": "lines+markers",
             "line": {"width": 2, "color": "#c8782a", "dash": "dot"}}
        )  # fmt: skip
    last = f"{values[-1]:.0f}" if scale == 100 else f"{values[-1]:.2f}"
    figure = {
        "data": [{"type": "scatter", **trace} for trace in traces],
        "layout": {
            "height": 260,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "xaxis": {"title": {"text": "steps"}, "range": [0, now.of or steps[-1]]},
            "yaxis": {"rangemode": "tozero", "range": [0, 103] if scale == 100 else None},
            "legend": {"orientation": "h", "y": 1.15, "x": 0},
            "showlegend": True,
            "uirevision": "same",
        },
    }
    st.html(f'<h2 class="card-title">{title} <span class="term small">{term}</span></h2>')
    st.plotly_chart(
        figure,
        key=f"curve-{name}",
        config={"displayModeBar": False},
        alt=f"{title} over the steps; now at {last}.",
    )


def _smooth(points: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    """A running mean, thinned out so that a long run stays quick to draw."""
    smooth, mean = [], points[0][1]
    for step, value in points:
        mean += 0.15 * (value - mean)
        smooth.append((step, mean))
    thin = smooth[:: max(1, len(smooth) // MOST_POINTS)]
    if thin[-1] != smooth[-1]:
        thin.append(smooth[-1])
    return [step for step, _ in thin], [value for _, value in thin]
