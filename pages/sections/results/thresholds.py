"""Where to draw the line: thresholds class by class, and what is left to a person."""

import streamlit as st

from core.evaluation.report import Report, evaluated_by
from core.evaluation.thresholds import Decided, decide, tradeoffs
from pages.components import text
from pages.components.colours import faint, theme_colours

ALL = "All classes"


@st.fragment
def thresholds(run: str, report: Report) -> None:
    """Sliders for the thresholds; precision, recall and the abstained recomputed at once."""
    names = report.classes
    said = text.apart([ALL, *(text.plain(name, 60) for name in names)])
    drawn = st.session_state.setdefault(f"thresholds-{run}-{report.task}", {})
    cross_validated = ""
    if report.cross_validated:
        cross_validated = f" Measured on {report.n:,} images{evaluated_by(report.n_folds)}."
    st.html(
        '<p class="muted">The model answers when it is at least this confident, and leaves all '
        'other images to a person <span class="term">(decision thresholds, reject option)'
        f"</span>.{cross_validated}</p>"
    )
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        place = st.selectbox(
            "Class", range(-1, len(names)), key=f"line-of-{run}",
            format_func=lambda k: said[k + 1],
        )  # fmt: skip
    with right:
        least = st.slider(
            "Lowest confidence for an answer", 0, 100, drawn.get(str(place), drawn.get("-1", 0)),
            format="%d %%", key=f"line-{run}-{place}",
        )  # fmt: skip
    if place < 0 and drawn.get("-1", 0) != least:
        drawn.clear()  # one line for all replaces those of single classes
        _forget_sliders(run, len(names))
    drawn[str(place)] = least
    told = decide(report, [drawn.get(str(k), drawn.get("-1", 0)) / 100 for k in range(len(names))])
    _said(told)
    st.html(_table(told))
    _tradeoff(report, told)
    st.html(
        '<p class="muted small">Thresholds chosen on these images flatter the numbers a '
        "little; expect slightly less on new ones.</p>"
    )


def _forget_sliders(run: str, classes: int) -> None:
    for place in range(classes):
        st.session_state.pop(f"line-{run}-{place}", None)


def _said(told: Decided) -> None:
    right = (
        f"Of the other {told.answered}, it gets {told.correct} right "
        f"({text.likely(told.interval)})."
        if told.answered
        else "No image is answered."
    )
    st.html(
        f'<p class="score-words" role="status">{told.abstained:,} of {told.n:,} images '
        f"left to a person.</p><p>That is {text.likely(told.abstained_interval)} of images like "
        f"these. {right}</p>"
    )


def _table(told: Decided) -> str:
    rows = "".join(
        f'<tr><td>{text.bdi(each.name)}</td><td class="n">{100 * each.threshold:.0f} %</td>'
        f'<td data-says="Right when it says so">{each.correct} of {each.predicted} '
        f"({text.likely(each.precision)})</td>"
        f'<td data-says="Found and answered">{each.correct} of {each.n} '
        f"({text.likely(each.recall)})</td></tr>"
        for each in told.classes
    )
    return (
        '<div class="scroll"><table class="table told"><thead><tr><th>Class</th>'
        '<th class="n">From</th>'
        '<th>Right when it says so <span class="term">precision</span></th>'
        '<th>Found and answered <span class="term">recall</span></th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _tradeoff(report: Report, told: Decided) -> None:
    """Right answers against what is left to a person, with the place that is chosen."""
    found, ink = tradeoffs(report), theme_colours()
    left = [100 * each.abstained for each in found]
    low, high = ([100 * each.interval[side] for each in found] for side in (0, 1))
    chosen = 100 * told.abstained / told.n
    figure = {
        "data": [
            {
                "type": "scatter", "mode": "lines", "x": [*left, *left[::-1]],
                "y": [*high, *low[::-1]], "fill": "toself", "line": {"width": 0},
                "fillcolor": faint(ink.leaf, 0.18), "hoverinfo": "skip",
            },
            {
                "type": "scatter", "mode": "lines", "x": left,
                "y": [100 * each.accuracy for each in found],
                "line": {"color": ink.leaf, "width": 2.5},
                "customdata": [100 * each.threshold for each in found],
                "hovertemplate": "answers from %{customdata:.0f} % confidence<br>%{x:.0f} % left "
                "to a person<br>%{y:.0f} % of answers correct<extra></extra>",
            },
            {
                "type": "scatter", "mode": "markers", "x": [chosen],
                "y": [100 * told.correct / told.answered if told.answered else 100],
                "marker": {"size": 13, "color": ink.amber}, "hoverinfo": "skip",
            },
        ],
        "layout": {
            "height": 300,
            "showlegend": False,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "xaxis": {"title": {"text": "left to a person, %"}, "range": [-2, 102]},
            "yaxis": {"title": {"text": "answers correct, %"}, "range": [min(50, *low), 102]},
        },
    }  # fmt: skip
    st.html(
        '<h3 class="card-title">What more caution brings <span class="term small">accuracy against '
        "rejection, 95 % band</span></h3>"
    )
    st.plotly_chart(
        figure, key="tradeoff", config={"displayModeBar": False},
        alt=f"Correct answers against images left to a person, now {chosen:.0f} %.",
    )  # fmt: skip
