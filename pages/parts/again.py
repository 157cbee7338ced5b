"""Teaching a model again, in the same way, once the pictures are no longer what it learned from."""

import streamlit as st

from core import GraftError, Recipe, RunRow, edits
from pages.parts import text
from pages.parts.frame import lead, problem
from pages.parts.place import Place, go, load_dataset
from pages.parts.runs import begin_run
from pages.parts.steady import steady


def offer_again(place: Place, run: RunRow, said: str) -> str:
    """A card with `said` (HTML) and a button; gives the id of the run begun, empty before that."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.html(said, width="stretch")
        if not st.button("Teach it again", icon=":material/refresh:"):
            return ""
    return begin_run(place, _recipe_now(place, run), run.title, run.origin)


@steady
def changed_since(place: Place, run: RunRow) -> None:
    """What was changed since this model learned, with the way to a model that knows it."""
    said = _changes(place, run)
    if not said:
        return
    wanted = _recipe_now(place, run)
    known = [one for one in place.runs if one.recipe == wanted]
    states = {place.statuses[one.id].state: one for one in known}
    if fault := problem(place):
        st.html(f'<p class="muted">{said} {text.html(fault, 600)}</p>')
    elif done := states.get("finished"):
        _leading(
            f"<p>{said} It was taught again since.</p>", "See how it does now", "results", done
        )
    elif active := next((one for one in known if place.statuses[one.id].active), None):
        _leading(f"<p>{said} It is learning again.</p>", "Watch it learn", "training", active)
    elif begun := offer_again(place, run, f"<p>{said}</p>{_MENDED}"):
        go("training", run=begun)


_MENDED = (
    '<p class="muted small">What is put right here are pictures it is tested with. So part of a '
    "better score afterwards is a better test, not a better model.</p>"
)


def _leading(said: str, label: str, page: str, run: RunRow) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.html(said, width="stretch")
        lead(label, page, run=run.id)


def _changes(place: Place, run: RunRow) -> str:
    """In one sentence as HTML; empty when the pictures are those that it learned from."""
    if run.dataset_id == place.versions[0] or place.dataset is None:
        return ""
    try:
        changed = edits.diff(load_dataset(run.dataset_id), place.dataset)
    except GraftError:
        return ""  # the version that it learned from is gone: nothing can be counted
    kinds = (changed.added, changed.removed, changed.relabelled, changed.regrouped)
    n = sum(map(len, kinds))
    if not n:
        return ""
    return (
        f"<b>{text.count(n, 'picture was', 'pictures were')} changed</b> since this model learned "
        f'<span class="muted">({text.html(changed.sentence, 200)})</span>.'
    )


def _recipe_now(place: Place, run: RunRow) -> Recipe:
    return run.recipe.model_copy(update={"dataset": place.versions[0]})
