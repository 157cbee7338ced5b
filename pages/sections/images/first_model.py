"""The model that appears by itself: proof that the images work, and the floor for all others."""

import streamlit as st

from core.jobs.queue import status
from core.projects import RunRow
from pages.components import progress, text
from pages.components.frame import lead
from pages.components.navigation import refreshing
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext
from pages.sections.results.score import range_bar, report_of, tested_on, words


@placeholder
def first_model(context: ProjectContext) -> None:
    """The card: being made, ready, or why it could not be made."""
    run = context.first_model
    if run is None:
        return
    with st.container(border=True, key="first-model"):
        now = context.statuses[run.id]
        if now.active:
            _in_the_making(run)
        elif report := report_of(run):
            base = report.majority
            st.html(
                '<p class="muted small">First score <span class="term">linear probe on frozen '
                "features</span></p>"
                f'<p class="score-words">{words(report)}</p>'
                f"{range_bar(report)}"
                f'<p class="muted small">{tested_on(report)}. Guessing would get '
                f"{100 * base.accuracy:.0f} %: always {text.bdi(base.label, 40)}.</p>"
            )
            with st.container(horizontal=True):
                lead("Try it", "use", primary=True, run=run.id)
                lead("See the results", "results", run=run.id)
        else:
            st.html(f"<p>{text.html(now.sentence, 400)}</p>")


@refreshing(1.0)
def _in_the_making(run: RunRow) -> None:
    now = status(run.folder)
    if not now.active:
        st.rerun(scope="app")
    st.html('<p class="muted small">Training a first model</p>')
    progress.show(now)
