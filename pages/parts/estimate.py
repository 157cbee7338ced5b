"""How long a recipe will take on this machine, measured by a short job before the start."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from core import NotFound, Recipe, job_folder, new_job, recent_jobs, resume, status, stop, submit
from pages.parts import text


def estimate(recipe: Recipe) -> None:
    """Measure once for each recipe, by itself; what was measured is kept."""
    folder = _job(recipe.model_dump(mode="json"))
    _leave_former(folder)
    with st.container(border=True, key="estimate"):
        now = status(folder)
        if now.active:
            _measuring(folder)
        elif now.state == "finished" and now.result:
            st.html(
                f'<p class="score-words">{text.duration(now.result["seconds"]).capitalize()} on '
                f'this computer.</p><p class="muted small">{text.html(now.result["how"], 400)}</p>'
            )
        else:
            st.html(f"<p>{text.html(now.sentence, 600)}</p>")
            if st.button("Measure again", type="tertiary"):
                resume(folder)
                st.rerun()


def _job(recipe: dict[str, Any]) -> Path:
    """The job that measures this recipe, begun or gone on with where need be."""
    known = recent_jobs("estimate", recipe=recipe)
    if not known:
        folder = new_job()
        submit("estimate", folder, {"recipe": recipe})
        return folder
    if status(known[0]).state == "stopped":
        resume(known[0])
    return known[0]


def _leave_former(folder: Path) -> None:
    """Stop measuring what was asked for before this: a slider passes many values."""
    former = st.session_state.get("measuring")
    st.session_state["measuring"] = folder.name
    if former and former != folder.name:
        with suppress(NotFound):
            stop(job_folder(former))


@st.fragment(run_every=0.7)
def _measuring(folder: Path) -> None:
    now = status(folder)
    if not now.active:
        st.rerun(scope="app")
    st.html(
        '<p class="card-title">Measuring how long it will take on this computer …</p>'
        '<p class="muted small" role="status">You can start without waiting for it.</p>'
    )
