"""A run as it trains: one bar, the time left, the curve; to stop, resume, or go on from."""

from collections.abc import Sequence

import streamlit as st

from core.jobs.queue import status, stop
from core.jobs.status import JobStatus
from core.projects import RunRow, runs
from pages.components import progress, text
from pages.components.frame import lead
from pages.components.navigation import refreshing
from pages.components.permission import allowed
from pages.components.project_context import ProjectContext
from pages.sections.results.runs import choose_run, run_titles
from pages.sections.results.score import range_bar, report_of, words
from pages.sections.train.training_curves import curves

REFRESH = 1.5


def run_to_watch(context: ProjectContext) -> RunRow | None:
    """The run whose training the address names, else one that is training now."""
    active = [run for run in context.runs if context.statuses[run.id].active]
    named = [run for run in context.runs if run.id == st.query_params.get("watch")]
    return next(iter(named or active), None)


def watch_run(context: ProjectContext, run: RunRow) -> None:
    """How it is doing, while it trains and after."""
    run = choose_run(context, "Run", context.runs, run, part="watch")
    st.html(f'<p class="card-title">{text.bdi(run_titles(context)[run.id], 120)}</p>')
    follow(context.project.id, [state.state for state in context.statuses.values()])
    now = context.statuses[run.id]
    if now.active:
        live(run)
    else:
        ended(run, now)


@refreshing(2 * REFRESH)
def follow(project: str, states: Sequence[str]) -> None:
    """Draws the page anew when a run has begun, ended or gone on, here or in another window."""
    if [status(run.folder).state for run in runs(project)] != states:
        st.rerun(scope="app")


@refreshing(REFRESH)
def live(run: RunRow) -> None:
    now = status(run.folder)
    if not now.active:
        st.rerun(scope="app")
    with st.container(border=True):
        progress.show(now)
        phases(now)
        with st.container(horizontal=True, vertical_alignment="center"):
            if allowed() and st.button(
                "Stop", icon=":material/stop_circle:", disabled=now.state == "stopping"
            ):
                stop(run.folder)
                st.rerun(scope="fragment")
            st.html(
                '<p class="muted small">Progress is kept, and you can resume.</p>',
                width="content",
            )
    show_notes(now)
    curves(now)


def phases(now: JobStatus) -> None:
    if len(now.phases) < 1:
        return
    of = now.phases[-1].of
    items = "".join(
        f"<span>{'✓' if phase is not now.phases[-1] else '▸'} {text.html(phase.title)}</span>"
        for phase in now.phases
    )
    st.html(f'<p class="facts"><span>Phase {now.phases[-1].index + 1} of {of}</span>{items}</p>')


def show_notes(now: JobStatus) -> None:
    for note in now.notes:
        st.info(text.markdown(note, 400), icon=":material/info:")


def ended(run: RunRow, now: JobStatus) -> None:
    if now.state == "finished":
        report = report_of(run)
        with st.container(border=True):
            st.html(f'<p class="muted small">{text.html(now.sentence, 200)}</p>')
            if report:
                st.html(f'<p class="score-words">Trained: {words(report)}.</p>{range_bar(report)}')
            lead("See the results", "results", primary=True, run=run.id, watch=None)
    elif now.state == "failed":
        st.error(text.markdown(now.sentence, 800), icon=":material/error:")
        go_on(run, now)
    else:
        with st.container(border=True):
            st.html(f'<p class="card-title">{text.html(now.sentence, 300)}</p>')
            go_on(run, now)
    show_notes(now)
    curves(now)


def go_on(run: RunRow, now: JobStatus) -> None:
    with st.container(horizontal=True):
        progress.offer_to_go_on(run.folder, now, icon=":material/play_circle:", kind="primary")
        if allowed():
            lead("Start another", "train", watch=None)
