"""Several networks and ways to learn at once, and which of the results to keep."""

import streamlit as st

from core.backbones.catalogue import DEFAULT as DEFAULT_BACKBONE
from core.errors import GraftError
from core.evaluation.model_selection import Choice
from core.pretraining_analysis.backbone_ranking import candidates as ready_backbones
from core.projects import RunRow, comparable
from core.recipe import Recipe
from core.settings import get_settings
from core.strategies import strategies as all_strategies
from core.training.evaluation_mode import has_given_split
from core.training.sweep import (
    SweepRun,
    answer_times_of,
    candidates,
    keep,
    megabytes,
    not_proven,
    why_kept,
)
from pages.components import text
from pages.components.cost_chart import Point, cost_chart
from pages.components.frame import lead
from pages.components.jobs import required_job
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext, go
from pages.sections.results.kept_model import keep_button
from pages.sections.results.runs import backbone_title, begin_run, run_titles, under_way
from pages.sections.results.score import report_of
from pages.sections.train.cost_estimate import estimates
from pages.sections.train.strategy_options import strategy_title

EVALUATIONS = {"cross_validation": "All of them in turn", "holdout": "A part set aside"}
_FIRST = ("feature_extraction", "last_stages")
_AGAINST = {
    "seconds": ("Training time", "seconds to train, evaluation included"),
    "answer": ("Answer time", "milliseconds per image on this computer"),
    "size": ("Size", "megabytes of weights"),
}


def try_several(context: ProjectContext, has: set[str]) -> None:
    """A form for some of these networks with some of the ways that have their data."""
    ready = ready_backbones(get_settings())
    fitting = [name for name, known in all_strategies().items() if not known.needs - has]
    with st.expander("Try several and compare", icon=":material/trophy:"):
        st.html(
            '<p class="muted small">Trains every combination, one after another, and tests all '
            'on the same images <span class="term">(sweep)</span>. The results then say which to '
            "keep.</p>"
        )
        backbones = st.multiselect(
            "Networks", ready, default=[DEFAULT_BACKBONE], format_func=backbone_title,
            key="several-backbones",
        )  # fmt: skip
        ways = st.multiselect(
            "Training methods", fitting, default=[way for way in _FIRST if way in fitting],
            format_func=strategy_title, key="several-ways",
        )  # fmt: skip
        evaluation = st.radio(
            "Test on which images?", list(EVALUATIONS), format_func=EVALUATIONS.__getitem__,
            horizontal=True, key="several-evaluation",
            help="Testing all in turn takes about five times as long and is more reliable "
            "(cross-validation).",
            disabled=has_given_split(context.dataset),
        )  # fmt: skip
        if has_given_split(context.dataset):
            evaluation = "holdout"
        wanted = candidates(
            context.images_version, backbones, ways, has=has,
            evaluation="holdout" if evaluation == "holdout" else "cross_validation",
        )  # fmt: skip
        new = [recipe for recipe in wanted if not under_way(context, recipe)]
        if len(new) < len(wanted):
            done = text.count(
                len(wanted) - len(new),
                "of them is trained or waiting.",
                "of them are trained or waiting.",
            )
            st.html(f'<p class="muted small">{done}</p>')
        _how_long(new)
        if st.button(_train(len(new)), disabled=not new, key="several-start"):
            for recipe in new:
                begin_run(context, recipe)
            go("train", watch=None)


def _how_long(recipes: list[Recipe]) -> None:
    """Of all together, once somebody asks."""
    if not recipes:
        return
    seconds = estimates(recipes, "How long does that take on this computer?", "measure-several")
    if seconds:
        possible = [each for each in seconds if each is not None]
        if possible:
            whole = text.duration(sum(possible)).capitalize()
            st.html(f'<p class="score-words">{whole} in total on this computer.</p>')
        if left := len(seconds) - len(possible):
            st.html(
                f'<p class="muted small">{left} of them cannot be trained with these images.</p>'
            )


def _train(n: int) -> str:
    return {0: "Train", 1: "Train this one", 2: "Train both"}.get(n, f"Train all {n}")


@placeholder
def which_to_keep(context: ProjectContext, here: RunRow) -> None:
    """The simplest of the runs that are as good as the best, and all against what they cost."""
    alike = comparable.tested_alike(here, context.finished[::-1], report_of)
    reports = {run.id: report for run in alike if (report := report_of(run))}
    runs = [run for run in alike if run.id in reports]
    if len(runs) < 2:
        return
    titles = run_titles(context)
    entered = [
        SweepRun(run.id, run.recipe, reports[run.id].predictions, megabytes(run.folder))
        for run in runs
    ]
    with st.container(border=True, key="which-to-keep"):
        st.html(
            '<h2 class="card-title">Which one to keep? <span class="term small">one-standard-error '
            "rule</span></h2>"
        )
        try:
            choice = keep(entered)
        except GraftError as error:
            st.html(f'<p class="muted">{text.html(str(error), 300)}</p>')
            return
        best = runs[choice.chosen]
        st.html(_said(entered, choice, [titles[run.id] for run in runs]))
        with st.container(horizontal=True):
            if best.id != here.id:
                lead("Show this one", "results", run=best.id)
            if context.kept and best.id != context.kept.id:
                keep_button(context, best, "which-to-keep")
        _chart(runs, choice, titles)


def _said(entered: list[SweepRun], choice: Choice, titles: list[str]) -> str:
    names = [text.plain(title, 110) for title in titles]
    doubt = not_proven(entered, choice, names)
    return (
        f'<p class="score-words">Keep {text.html(names[choice.chosen], 110)}.</p>'
        f"<p>{text.html(why_kept(entered, choice, names), 800)} "
        '<span class="term small">bootstrap bias corrected</span></p>'
        + (f'<p class="muted small">{text.html(doubt, 300)}</p>' if doubt else "")
    )


def _chart(runs: list[RunRow], choice: Choice, titles: dict[str, str]) -> None:
    against = st.segmented_control(
        "Compare by", list(_AGAINST), default="seconds", required=True, key="keep-against",
        format_func=lambda key: _AGAINST[key][0], label_visibility="collapsed",
    )  # fmt: skip
    costs = _costs(runs, against)
    if costs is None:
        return
    points = [
        Point(titles[run.id], cost, 100 * right, 100 * low, 100 * high, place == choice.chosen)
        for place, (run, cost, right, (low, high)) in enumerate(
            zip(runs, costs, choice.accuracy, choice.intervals, strict=True)
        )
    ]
    bars = "95 % intervals; the table compares image by image"
    cost_chart(points, _AGAINST[against][1], key="keep-chart", bars=bars)


def _costs(runs: list[RunRow], against: str) -> list[float] | None:
    """In the unit that is shown; None while they are being measured."""
    if against == "size":
        return [megabytes(run.folder) for run in runs]
    if against == "seconds":
        return [report.seconds for run in runs if (report := report_of(run))]
    now = required_job("answer-times", runs=" ".join(sorted(run.id for run in runs)))
    if now is None or now.state != "finished":
        return None
    times = answer_times_of(now.result or {})
    return [times[run.id] for run in runs]
