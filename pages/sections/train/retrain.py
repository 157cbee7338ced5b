"""Teaching a model again, in the same way, once the images are no longer what it learned from."""

import streamlit as st

from core.dataset import edits
from core.errors import GraftError
from core.projects import RunRow
from core.recipe import Recipe
from pages.components import text
from pages.components.frame import lead, problem
from pages.components.permission import allowed
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext, load_dataset
from pages.sections.results.runs import begin_run, open_training


def offer_again(context: ProjectContext, run: RunRow, said: str) -> str:
    """A card with `said` (HTML) and a button; gives the id of the run begun, empty before that."""
    if not allowed():
        return ""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.html(said, width="stretch")
        if not st.button("Train again", icon=":material/refresh:"):
            return ""
    return begin_run(context, _recipe_now(context, run), run.title, run.origin)


@placeholder
def changed_since(context: ProjectContext, run: RunRow) -> None:
    """What was changed since this model learned, with the way to a model that knows it."""
    said = _changes(context, run)
    if not said:
        return
    wanted = _recipe_now(context, run)
    known = [one for one in context.runs if one.recipe == wanted]
    states = {context.statuses[one.id].state: one for one in known}
    if fault := problem(context):
        st.html(f'<p class="muted">{said} {text.html(fault, 600)}</p>')
    elif done := states.get("finished"):
        _leading(
            f"<p>{said} It has been trained again.</p>",
            "See the new results",
            "results",
            done,
        )
    elif active := next((one for one in known if context.statuses[one.id].active), None):
        _leading(f"<p>{said} It is being trained again.</p>", "Watch the training", "train", active)
    elif begun := offer_again(context, run, f"<p>{said}</p>{_MENDED}"):
        open_training(begun)


_MENDED = (
    '<p class="muted small">You corrected test images, so part of a better score may come from '
    "a better test.</p>"
)


def _leading(said: str, label: str, page: str, run: RunRow) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.html(said, width="stretch")
        lead(label, page, run=run.id, watch=run.id if page == "train" else None)


def _changes(context: ProjectContext, run: RunRow) -> str:
    """In one sentence as HTML; empty when the images are those that it learned from."""
    if context.newest is None or run.dataset_id == context.images_version:
        return ""
    try:
        changed = edits.diff(load_dataset(run.dataset_id), context.dataset)
    except GraftError:
        return ""  # the version that it learned from is gone: nothing can be counted
    kinds = (changed.added, changed.removed, changed.relabelled, changed.regrouped)
    n = sum(map(len, kinds))
    if not n:
        return ""
    return (
        f"<b>{text.count(n, 'image was changed', 'images were changed')}</b> since this model was "
        f'trained <span class="muted">({text.html(changed.sentence, 200)})</span>.'
    )


def _recipe_now(context: ProjectContext, run: RunRow) -> Recipe:
    return run.recipe.model_copy(update={"dataset": context.images_version})
