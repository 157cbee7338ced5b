"""The model that the project keeps: which one it is, and how another takes its place."""

import streamlit as st

from core.projects import RunRow, keep_run
from pages.components.frame import lead
from pages.components.permission import allowed, only_for
from pages.components.project_context import ProjectContext


def kept_model(context: ProjectContext, run: RunRow) -> None:
    """Under the headline: whether this model is kept, and what can be done with it."""
    kept = context.kept
    with st.container(horizontal=True, vertical_alignment="center"):
        lead("Use this model", "use", primary=True, run=run.id)
        if allowed():
            lead("Train another", "train", watch=None)
        if kept and kept.id == run.id:
            st.html(
                '<p class="muted small">★ Kept: Use and Export work with this model.</p>',
                width="content",
            )
        else:
            keep_button(context, run)


@only_for()
def keep_button(context: ProjectContext, run: RunRow, where: str = "headline") -> None:
    """Keep this model instead of the one that is kept now; `where` on the page it stands."""
    st.button(
        "Keep this one instead",
        icon=":material/star:",
        key=f"keep-{where}-{run.id}",
        on_click=keep_run,
        args=(context.project.id, run.id),
        help="Home, Use and Export then work with this model, until you keep another.",
    )
