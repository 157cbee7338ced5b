"""What is right against what it costs: points with bars, and a line where nothing beats them."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.components import text

INK = {
    "light": ("#24694b", "#9a5510", "#5a645c", "#ffffff"),
    "dark": ("#6dbf97", "#e0a25c", "#a5b0a8", "#131815"),
}
"""Of marked points, of the others, of the line, of the numbers in the points."""


@dataclass(frozen=True, slots=True)
class Point:
    """One of those that are compared."""

    title: str
    cost: float
    right: float
    """Of 100."""
    low: float
    high: float
    """Where its bar ends."""
    marked: bool


def cost_chart(points: Sequence[Point], cost: str, *, key: str, bars: str) -> None:
    """Draw them; `cost` names the cost with its unit, `bars` what the bars are.

    They are numbered from the cheapest on, with the names below: names beside points that are near
    each other would cover each other.
    """
    points = sorted(points, key=lambda point: point.cost)
    marked, other, line, number = INK["dark" if st.context.theme.type == "dark" else "light"]
    front = sorted(_front(points))
    traces: list[dict[str, object]] = [
        {
            "x": [x for x, _ in front], "y": [y for _, y in front], "mode": "lines",
            "line": {"color": line, "width": 1.5, "dash": "dot", "shape": "hv"},
            "hoverinfo": "skip",
        },
        *(_trace(point, index, marked if point.marked else other, number, cost)
          for index, point in enumerate(points, 1)),
    ]  # fmt: skip
    figure = {
        "data": [{"type": "scatter", "showlegend": False, **trace} for trace in traces],
        "layout": {
            "height": 300,
            "margin": {"l": 8, "r": 8, "t": 12, "b": 8},
            "xaxis": {"title": {"text": cost}, "range": [0, 1.1 * max(p.cost for p in points)]},
            "yaxis": {"title": {"text": "correct, %"}, "range": _reach(points)},
        },
    }
    said = "; ".join(
        f"{index}, {text.html(point.title, 60)}: {point.right:.0f} % correct, "
        f"{point.cost:.3g} {cost}"
        for index, point in enumerate(points, 1)
    )
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=said)
    names = "".join(
        f'<li class="{"marked" if point.marked else ""}">{text.html(point.title, 90)}</li>'
        for point in points
    )
    st.html(f'<ol class="numbered">{names}</ol>')
    joined = ' The dotted line joins the best trade-offs <span class="term">Pareto front</span>.'
    st.html(f'<p class="muted small">The bars are {bars}.{joined if len(front) > 1 else ""}</p>')


def _trace(point: Point, index: int, colour: str, number: str, cost: str) -> dict[str, object]:
    title = text.plotly(point.title, 60)
    return {
        "x": [point.cost], "y": [point.right], "mode": "markers+text",
        "text": [f"<b>{index}</b>"], "textposition": "middle center",
        "textfont": {"color": number, "size": 12}, "marker": {"size": 20, "color": colour},
        "error_y": {
            "type": "data", "color": colour, "thickness": 1.5, "width": 5, "symmetric": False,
            "arrayminus": [point.right - point.low], "array": [min(point.high, 100) - point.right],
        },
        "hovertemplate": f"{title}<br>%{{y:.1f}} % correct<br>%{{x:.3g}} {cost}<extra></extra>",
    }  # fmt: skip


def _reach(points: Sequence[Point]) -> tuple[float, float]:
    """From where to where the upright axis goes: all bars fit in, and nothing beyond 100."""
    low, high = min(point.low for point in points), max(point.high for point in points)
    return max(0.0, low - 1), min(100.5, high + 1)


def _front(points: Sequence[Point]) -> list[tuple[float, float]]:
    """Cost and score of those that no other one beats in both."""
    pairs = [(point.cost, point.right) for point in points]
    return [
        (x, y)
        for x, y in pairs
        if not any((a < x and b >= y) or (a <= x and b > y) for a, b in pairs)
    ]
