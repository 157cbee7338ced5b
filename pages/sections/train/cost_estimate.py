"""How long a recipe will take on this machine, measured by a short job before the start."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.jobs.queue import status
from core.recipe import Recipe
from pages.components import progress, text
from pages.components.jobs import answering_job, begin_job, required_job
from pages.components.navigation import refreshing


def estimate(recipe: Recipe) -> None:
    """Measure once for each recipe, by itself; what was measured is kept."""
    folder = answering_job("estimate", recipe=recipe.model_dump(mode="json"))
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
            progress.offer_to_go_on(folder, now, "Measure again", kind="tertiary")


def estimates(recipes: Sequence[Recipe], label: str, key: str) -> list[float | None]:
    """Seconds of each recipe, measured when the button is pressed; empty until they are there."""
    asked_for = [recipe.model_dump(mode="json") for recipe in recipes]
    with st.container(key=f"{key}-place"):
        now = required_job("costs", begin=False, recipes=asked_for)
        help_ = "Times a few images and steps on this computer."
        if now is None and st.button(
            label, key=key, icon=":material/timer:", type="tertiary", help=help_
        ):
            begin_job("costs", recipes=asked_for)
            st.rerun()
    if now is None:
        return []
    return list((now.result or {}).get("seconds", []))


@refreshing(0.7)
def _measuring(folder: Path) -> None:
    now = status(folder)
    if not now.active:
        st.rerun(scope="app")
    st.html(
        '<p class="card-title">Measuring how long this takes on this computer …</p>'
        '<p class="muted small" role="status">You can start without waiting.</p>'
    )
