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
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext

NEARNESS = {
    "near": (
        "Your images look like what the networks know.",
        "What was learned from a million photographs fits: training only the classifier, or the "
        "last layers, is usually enough.",
    ),
    "between": (
        "Your images differ somewhat from the photographs that the networks know.",
        "Begin with the classifier alone. Then see whether adapting the last layers, or the whole "
        "network, surely beats it.",
    ),
    "far": (
        "Your images are far from the photographs that the networks know.",
        "Networks differ most on such images, so try several on yours. From some hundred "
        "images on, let more of the network adapt and compare that with the classifier alone.",
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
            "EfficientNet-Lite0: how surely its 1,000 original classes answer "
            f'<span class="term">entropy, {alike.entropy.mean:.2f} of 1</span>, how much that '
            "tells about your classes "
            f'<span class="term">mutual information, {alike.mutual_information.mean:.2f} ± '
            f"{alike.mutual_information.stderr:.2f} of 1</span>, and how far its layers are from "
            f'what they saw <span class="term">divergence, {alike.divergence:.2f}</span>.</p>'
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
            "What it takes them for says nothing about your classes. Look whether a person can "
            "tell them apart."
        )
    if told.mean >= 0.35:
        return "What it takes them for already tells most of your classes apart."
    if told.mean >= 0.1:
        return "What it takes them for goes with your classes to some degree."
    return "What it takes them for hardly goes with your classes."


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
                '<p class="muted small">Learning from fewer of them again and again shows how the '
                "score grows with their number.</p>"
            )
            if st.button("Find out", icon=":material/trending_up:", key="ask-outlook"):
                begin_job("outlook", dataset=version)
                st.rerun()


def _curve(found: PretrainingAnalysis) -> None:
    curve = found.curve
    st.html(f"<p>{_trend(curve)} {_which(found)}</p>")
    with st.expander("Show the curve", icon=":material/show_chart:"):
        _chart(curve)
        st.html(
            '<p class="muted small">A classifier on EfficientNet-Lite0, tested on images it has '
            "not learned from. Bars and bands hold the truth 95 times of 100. The dotted part "
            "continues the curve as a power law; beyond twice as many images nothing is said.</p>"
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
        '<div class="scroll"><table class="table"><thead><tr><th>Class</th><th class="n">Found, of '
        f'100 <span class="term">recall</span></th></tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="muted small">{some}After learning from {last.images:,} images of all classes '
        "together. The ± is one standard error; it is wide where a class has few images."
        f"{apart}</p>"
    )


def _trend(curve: Curve) -> str:
    last = curve.points[-1]
    if last.accuracy.mean > 0.9995:
        return "Every image is told apart already, so nothing more can be gained here."
    if curve.trend == "rises" and curve.forecast:
        ahead = curve.forecast
        low, high, about = (round(100 * at) for at in (ahead.low, ahead.high, ahead.accuracy))
        return (
            f"<b>More images help.</b> Right on {100 * last.accuracy.mean:.0f} of 100 after "
            f"learning from {last.images:,}; after {ahead.images:,} probably on {about}, most "
            f"likely between {low} and {high}."
        )
    if curve.trend == "flat":
        return (
            "<b>More images of the same kind would help little.</b> The last doubling changed "
            "next to nothing; other images than these, or another network, may."
        )
    return (
        "<b>Nobody can tell yet whether more images would help.</b> What the last doubling "
        "brought is less than chance brings with so few images."
    )


def _which(found: PretrainingAnalysis) -> str:
    if not found.curve.asked_by_class:
        return (
            "Of which class more would help most was not looked into: with so many images and "
            "classes that would take too long."
        )
    names = [f"<b>{text.bdi(found.classes[place], 40)}</b>" for place in found.curve.helpful]
    if not names:
        return "Of which class more would help most, these images cannot tell."
    listed = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    also = " These images cannot tell which of them." if len(names) > 1 else ""
    return f"Another {found.curve.pictures:,} images of {listed} would probably help most.{also}"


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
            "hovertemplate": "%{y:.1f} of 100 after %{x} images<extra></extra>",
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
                "hovertemplate": "about %{y:.0f} of 100 after %{x} images<extra></extra>",
            }
        )  # fmt: skip
    figure = {
        "data": [{"type": "scatter", "showlegend": False, **trace} for trace in traces],
        "layout": {
            "height": 250,
            "margin": {"l": 8, "r": 8, "t": 12, "b": 8},
            "xaxis": {"title": {"text": "images learned from"}, "rangemode": "tozero"},
            "yaxis": {"title": {"text": "right, of 100"}},
        },
    }
    said = "; ".join(f"{b:.0f} of 100 right after {a:,} images" for a, b in zip(x, y, strict=True))
    st.plotly_chart(figure, key="learning-curve", config={"displayModeBar": False}, alt=said)
