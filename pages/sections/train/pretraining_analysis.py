"""What the images say before anything is trained: how far they are, and what more would bring."""

import streamlit as st

from core.jobs.recent import recent_jobs
from core.pretraining_analysis.domain_shift import DomainShift
from core.pretraining_analysis.learning_curve import Curve
from core.pretraining_analysis.summary import PretrainingAnalysis, pretraining_analysis_of
from core.settings import get_settings
from pages.components import text
from pages.components.frame import problem
from pages.components.jobs import begin_job, required_job
from pages.components.permission import allowed
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext

NEARNESS = {
    "near": (
        "Your images look like what the networks were pretrained on.",
        "Training only the classifier, or the last layers, is usually enough.",
    ),
    "between": (
        "Your images differ somewhat from what the networks were pretrained on.",
        "Train the classifier alone first. Then see whether fine-tuning the last layers, or the "
        "whole network, does better.",
    ),
    "far": (
        "Your images are far from what the networks were pretrained on.",
        "Networks differ most on such images, so try several. With a few hundred images or more, "
        "fine-tune more layers, and compare that with the classifier alone.",
    ),
}
MARKS = ((-3.9, "photographs"), (0.1, "emoji"), (4.3, "handwritten digits"))
"""Where sets that were measured lie: see core.pretraining_analysis.domain_shift."""
LEAST, MOST = -5.0, 7.0
MOST_CLASSES = 30
"""Rows of the table of classes: those that are recognised worst."""


@placeholder
def how_far(context: ProjectContext) -> None:
    """How far one's world is from the backbones'; asked by itself once the first model is made."""
    found = _outlook(context)
    if found is None:
        return
    alike = found.domain_shift
    words, follows = NEARNESS[alike.nearness]
    with st.container(border=True, key="how-far"):
        st.html(
            f'<p class="score-words">{words}</p>{_scale(alike)}'
            f"<p>{follows}</p>"
            f'<p class="muted small">{_told(alike)} Measured on {found.images:,} images with '
            "EfficientNet-Lite0: how confident its 1,000 original classes are "
            f'<span class="term">entropy, {alike.entropy.mean:.2f} of 1</span>, how well they '
            "match yours "
            f'<span class="term">mutual information, {alike.mutual_information.mean:.2f} ± '
            f"{alike.mutual_information.stderr:.2f} of 1</span>, and how unusual your images "
            f'look to its layers <span class="term">divergence, {alike.divergence:.2f}</span>.</p>'
        )


def _outlook(context: ProjectContext) -> PretrainingAnalysis | None:
    version = context.images_version
    found = pretraining_analysis_of(version, get_settings())
    if found is None:
        first = context.first_model
        busy = first is not None and context.statuses[first.id].active
        required_job("outlook", begin=not busy, dataset=version)
    return found


def _told(alike: DomainShift) -> str:
    """What the original answers say about one's own classes."""
    told = alike.mutual_information
    if told.mean < 2 * told.stderr:
        return (
            "Its original classes say nothing about yours. Check whether a person can tell yours "
            "apart."
        )
    if told.mean >= 0.35:
        return "Its original classes already tell most of yours apart."
    if told.mean >= 0.1:
        return "Its original classes match yours to some degree."
    return "Its original classes hardly match yours."


def _scale(alike: DomainShift) -> str:
    """A line from near to far with known sets on it, as HTML."""

    def at(remote: float) -> float:
        return 100 * (min(max(remote, LEAST), MOST) - LEAST) / (MOST - LEAST)

    known = "".join(
        f'<span class="tick" style="left:{at(where):.0f}%"></span>'
        f'<span class="scale" style="left:{at(where):.0f}%">{name}</span>'
        for where, name in MARKS
    )
    said = ", ".join(name for _, name in MARKS)
    label = f"From near to far: {said}; your images: {alike.nearness}"
    return (
        f'<div class="range" style="margin-top:1.3rem" role="img" aria-label="{label}">'
        f'<span class="track"></span>{known}'
        f'<span class="dot" style="left:{at(alike.remoteness):.0f}%"></span>'
        f'<span class="scale" style="left:{at(alike.remoteness):.0f}%;top:-1rem">yours</span></div>'
    )


@placeholder
def more_pictures(context: ProjectContext) -> None:
    """What more images would bring; asked for with a button."""
    if problem(context):
        return
    version = context.images_version
    found = pretraining_analysis_of(version, get_settings())
    with st.container(border=True, key="more-pictures"):
        st.html(
            '<h2 class="card-title">Would more images help? '
            '<span class="term small">learning curve</span></h2>'
        )
        if found:
            _curve(found)
        elif recent_jobs("outlook", dataset=version):
            required_job("outlook", dataset=version)
        else:
            st.html(
                '<p class="muted small">Trains on fewer images, again and again, to see how the '
                "score grows with their number.</p>"
            )
            if allowed() and st.button(
                "Find out", icon=":material/trending_up:", key="ask-outlook"
            ):
                begin_job("outlook", dataset=version)
                st.rerun()


def _curve(found: PretrainingAnalysis) -> None:
    curve = found.curve
    st.html(f"<p>{_trend(curve)} {_which(found)}</p>")
    with st.expander("Show the curve", icon=":material/show_chart:"):
        _chart(curve)
        st.html(
            '<p class="muted small">A classifier on EfficientNet-Lite0, tested on images it was '
            "not trained on. Bars and bands are 95 % intervals. The dotted line extends the curve "
            "as a power law, up to twice as many images.</p>"
        )
    if any(curve.points[-1].recall):
        with st.expander("Class by class", icon=":material/list:"):
            st.html(_class_by_class(found))


def _class_by_class(found: PretrainingAnalysis) -> str:
    """How much of each class is found at the end of the curve, the worst first, as HTML."""
    last = found.curve.points[-1]
    evaluated = [
        (name, recall)
        for name, recall in zip(found.classes, last.recall, strict=True)
        if recall is not None
    ]
    shown = sorted(evaluated, key=lambda row: row[1].mean)[:MOST_CLASSES]
    rows = "".join(
        f'<tr><td>{text.bdi(name, 60)}</td><td class="n">{100 * recall.mean:.0f} ± '
        f"{100 * recall.stderr:.0f}</td></tr>"
        for name, recall in shown
    )
    some = (
        f"The {len(shown)} worst of {len(evaluated):,} classes. " if evaluated[len(shown) :] else ""
    )
    none = len(found.classes) - len(evaluated)
    apart = f" {text.count(none, 'class', 'classes')} could not be evaluated." if none else ""
    return (
        '<div class="scroll"><table class="table"><thead><tr><th>Class</th><th class="n">Found, % '
        f'<span class="term">recall</span></th></tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="muted small">{some}After training on {last.images:,} images of all classes. '
        "± is one standard error, which is wide for a class with few images."
        f"{apart}</p>"
    )


def _trend(curve: Curve) -> str:
    last = curve.points[-1]
    if last.accuracy.mean > 0.9995:
        return "Every image is already recognised, so more images cannot help here."
    if curve.trend == "rises" and curve.forecast:
        ahead = curve.forecast
        low, high, about = (round(100 * at) for at in (ahead.low, ahead.high, ahead.accuracy))
        return (
            f"<b>More images help.</b> {100 * last.accuracy.mean:.0f} % correct with "
            f"{last.images:,} images; probably about {about} % with {ahead.images:,} (likely "
            f"{low}–{high} %)."
        )
    if curve.trend == "flat":
        return (
            "<b>More images of the same kind would help little.</b> The last doubling changed "
            "next to nothing. Try different images, or another network."
        )
    return (
        "<b>It is too early to tell whether more images would help.</b> The last doubling "
        "brought no more than chance does with so few images."
    )


def _which(found: PretrainingAnalysis) -> str:
    if not found.curve.asked_by_class:
        return "Which class needs more images was not measured: with so many, that takes too long."
    names = [f"<b>{text.bdi(found.classes[place], 40)}</b>" for place in found.curve.helpful]
    if not names:
        return "These images cannot show which class needs more."
    listed = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    also = " These images cannot show which." if len(names) > 1 else ""
    return f"Probably most helpful: {found.curve.pictures:,} more images of {listed}.{also}"


def _chart(curve: Curve) -> None:
    dark = st.context.theme.type == "dark"
    ink, wash = ("#6dbf97", "rgba(109,191,151,.18)") if dark else ("#24694b", "rgba(36,105,75,.14)")
    x = [point.images for point in curve.points]
    y = [100 * point.accuracy.mean for point in curve.points]
    unsure = [196 * point.accuracy.stderr for point in curve.points]
    traces: list[dict[str, object]] = [
        {
            "x": x, "y": y, "mode": "lines+markers", "line": {"width": 2.5, "color": ink},
            "error_y": {"type": "data", "color": ink, "thickness": 1.2, "width": 4,
                        "symmetric": False,
                        "array": [min(e, 100 - b) for e, b in zip(unsure, y, strict=True)],
                        "arrayminus": unsure},
            "hovertemplate": "%{y:.1f} % correct after %{x} images<extra></extra>",
        },
    ]  # fmt: skip
    ahead = curve.forecast if curve.trend != "unclear" and y[-1] < 99.95 else None
    if ahead:
        traces.append(
            {
                "x": [x[-1], ahead.images, ahead.images, x[-1]], "fill": "toself",
                "y": [min(100, y[-1] + unsure[-1]), 100 * ahead.high,
                      100 * ahead.low, y[-1] - unsure[-1]],
                "fillcolor": wash,
                "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip",
            }
        )  # fmt: skip
        traces.append(
            {
                "x": [x[-1], ahead.images], "y": [y[-1], 100 * ahead.accuracy], "mode": "lines",
                "line": {"width": 2, "color": ink, "dash": "dot"},
                "hovertemplate": "about %{y:.0f} % correct after %{x} images<extra></extra>",
            }
        )  # fmt: skip
    figure = {
        "data": [{"type": "scatter", "showlegend": False, **trace} for trace in traces],
        "layout": {
            "height": 250,
            "margin": {"l": 8, "r": 8, "t": 12, "b": 8},
            "xaxis": {"title": {"text": "training images"}, "rangemode": "tozero"},
            "yaxis": {"title": {"text": "correct, %"}},
        },
    }
    said = "; ".join(f"{b:.0f} % correct after {a:,} images" for a, b in zip(x, y, strict=True))
    st.plotly_chart(figure, key="learning-curve", config={"displayModeBar": False}, alt=said)
