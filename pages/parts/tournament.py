"""Several networks and ways to learn at once, and which of the results to keep."""

import streamlit as st

from core import (
    DEFAULT_BACKBONE,
    Choice,
    GraftError,
    Recipe,
    RunRow,
    SweepRun,
    all_strategies,
    answer_times_of,
    candidates,
    get_settings,
    has_given_split,
    keep,
    megabytes,
    not_proven,
    ready_backbones,
    why_kept,
)
from pages.parts import text
from pages.parts.by_itself import job_by_itself
from pages.parts.cost_chart import Point, cost_chart
from pages.parts.estimate import estimates
from pages.parts.frame import lead
from pages.parts.place import Place, go
from pages.parts.runs import backbone_title, begin_run, run_titles, under_way
from pages.parts.score import report_of
from pages.parts.steady import steady
from pages.parts.strategies import strategy_title

EVALUATIONS = {"cross_validation": "All of them in turn", "holdout": "A part kept aside"}
_FIRST = ("feature_extraction", "last_stages")
_SHARED = 0.9
"""Of the smaller test part: so much two runs must have in common to be seen beside each other."""
_AGAINST = {
    "seconds": ("Time to learn", "seconds to learn, judging included"),
    "answer": ("Time of an answer", "milliseconds for a picture on this computer"),
    "size": ("Size", "megabytes of weights"),
}


def try_several(place: Place, has: set[str]) -> None:
    """A form for some of these networks with some of the ways that have their data."""
    ready = ready_backbones(get_settings())
    fitting = [name for name, known in all_strategies().items() if not known.needs - has]
    with st.expander("Try several and compare", icon=":material/trophy:"):
        st.html(
            '<p class="muted small">Every network you choose learns in every way you choose, one '
            "after the other in the queue, all judged with the same pictures "
            '<span class="term">(tournament)</span>. The results page then says which to keep.</p>'
        )
        backbones = st.multiselect(
            "Networks", ready, default=[DEFAULT_BACKBONE], format_func=backbone_title,
            key="several-backbones",
        )  # fmt: skip
        ways = st.multiselect(
            "Ways to learn", fitting, default=[way for way in _FIRST if way in fitting],
            format_func=strategy_title, key="several-ways",
        )  # fmt: skip
        evaluation = st.radio(
            "Which pictures judge them?", list(EVALUATIONS), format_func=EVALUATIONS.get,
            horizontal=True, key="several-evaluation",
            help="All in turn takes some five times as long, and says more (cross-validation).",
            disabled=has_given_split(place.dataset),
        )  # fmt: skip
        if has_given_split(place.dataset):
            evaluation = "holdout"
        wanted = candidates(place.versions[0], backbones, ways, has=has, evaluation=evaluation)
        new = [recipe for recipe in wanted if not under_way(place, recipe)]
        if len(new) < len(wanted):
            done = text.count(len(wanted) - len(new), "of them is", "of them are")
            st.html(f'<p class="muted small">{done} trained already, or waiting.</p>')
        _how_long(new)
        if st.button(f"Train {_all(len(new))}", disabled=not new, key="several-start"):
            for recipe in new:
                begin_run(place, recipe)
            go("training", run=None)


def _how_long(recipes: list[Recipe]) -> None:
    """Of all together, once somebody asks."""
    if not recipes:
        return
    seconds = estimates(recipes, "How long will that take on this computer?", "measure-several")
    if seconds:
        possible = [each for each in seconds if each is not None]
        if possible:
            whole = text.duration(sum(possible)).capitalize()
            st.html(f'<p class="score-words">{whole} on this computer, all together.</p>')
        if left := len(seconds) - len(possible):
            st.html(
                f'<p class="muted small">{left} of them cannot be carried out with these '
                "pictures.</p>"
            )


def _all(n: int) -> str:
    return {0: "them", 1: "this one", 2: "both"}.get(n, f"all {n}")


@steady
def which_to_keep(place: Place, here: RunRow) -> None:
    """The simplest of the runs that are as good as the best, and all against what they cost."""
    runs = _beside(place, here)
    if len(runs) < 2:
        return
    titles = run_titles(place)
    entered = [
        SweepRun(run.id, run.recipe, report_of(run).predictions, megabytes(run.folder))
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
        kept = runs[choice.chosen]
        st.html(_said(entered, choice, [titles[run.id] for run in runs]))
        with st.container(horizontal=True):
            if kept.id == here.id:
                st.html('<p class="muted small">It is the one shown on this page.</p>')
            else:
                lead("Show this one", "results", run=kept.id)
            lead("Take it away", "take_away", primary=True, run=kept.id)
        _chart(runs, choice, titles)


def _beside(place: Place, here: RunRow) -> list[RunRow]:
    """Finished runs, oldest first, that were judged with much the same pictures as this one."""
    judged = {run.id: _images(run) for run in place.finished if run.dataset_id == here.dataset_id}
    own = judged.get(here.id, set())
    return [
        run
        for run in reversed(place.finished)
        if (theirs := judged.get(run.id))
        and len(own & theirs) >= _SHARED * min(len(own), len(theirs))
        and run.recipe.task == here.recipe.task
    ]


def _images(run: RunRow) -> set[str]:
    report = report_of(run)
    return {row.image for row in report.predictions} if report else set()


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
        "Against", list(_AGAINST), default="seconds", required=True, key="keep-against",
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
    bars = "95 % intervals; judge differences by the table, which compares picture by picture"
    cost_chart(points, _AGAINST[against][1], key="keep-chart", bars=bars)


def _costs(runs: list[RunRow], against: str) -> list[float] | None:
    """In the unit that is shown; None while they are being measured."""
    if against == "size":
        return [megabytes(run.folder) for run in runs]
    if against == "seconds":
        return [report_of(run).seconds for run in runs]
    now = job_by_itself("answer-times", runs=" ".join(sorted(run.id for run in runs)))
    if now is None or now.state != "finished":
        return None
    times = answer_times_of(now.result)
    return [times[run.id] for run in runs]
