"""How long a recipe will take on this machine, measured by a short job before the start."""

from pathlib import Path

import streamlit as st

from core import Recipe, status
from pages.parts import progress, text
from pages.parts.asked import asked


def estimate(recipe: Recipe) -> None:
    """Measure once for each recipe, by itself; what was measured is kept."""
    folder = asked("estimate", recipe=recipe.model_dump(mode="json"))
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
            progress.offer_to_go_on(folder, "Measure again", kind="tertiary")


@st.fragment(run_every=0.7)
def _measuring(folder: Path) -> None:
    now = status(folder)
    if not now.active:
        st.rerun(scope="app")
    st.html(
        '<p class="card-title">Measuring how long it will take on this computer …</p>'
        '<p class="muted small" role="status">You can start without waiting for it.</p>'
    )
