"""Changing the images: every change is a version, said in words, with undo beside it."""

from collections.abc import Callable

import streamlit as st

from core.dataset.manifest import Dataset
from core.errors import GraftError
from core.projects.versions import apply as apply_edit
from core.projects.versions import history, redo, redoable, undo, undoable
from pages.components import text
from pages.components.permission import only_for
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext

_REFUSED = "change_refused"


def on_change(context: ProjectContext, edit: Callable[[Dataset], Dataset]) -> None:
    """`change` as what a button does when it is pressed."""
    change(context, edit)


def change(context: ProjectContext, edit: Callable[[Dataset], Dataset]) -> bool:
    """Edit the version that was seen; says whether it worked. For callbacks of buttons.

    Where somebody changed other images meanwhile, both changes hold. What stands in the way is said
    by the next `last_change`.
    """
    try:
        edited = edit(context.dataset)
        if edited is not context.dataset:
            apply_edit(context.project.id, edited)
    except GraftError as error:
        st.session_state[_REFUSED] = str(error)
        return False
    return True


@placeholder
def last_change(context: ProjectContext) -> None:
    """The line that says what was changed last, with Undo and Redo; nothing before any change."""
    refused = st.session_state.pop(_REFUSED, "")
    if refused:
        st.error(text.markdown(refused, 400), icon=":material/error:")
    past = history(context.project.id)
    back, forward = undoable(past), redoable(past)
    version = back or forward
    if version is None:
        return
    what = "Last change" if back else "Undone"
    said = f"{what}: {text.html(version.sentence.rstrip('.'), 160)}"
    with st.container(horizontal=True, vertical_alignment="center", key="last-change"):
        st.html(f'<p role="status">{said}</p>', width="stretch")
        _button("Undo", "u", ":material/undo:", undo, context, disabled=back is None)
        _button("Redo", "shift+u", ":material/redo:", redo, context, disabled=forward is None)


@only_for()
def _button(
    label: str,
    key: str,
    icon: str,
    step: Callable[[str, str], str],
    context: ProjectContext,
    *,
    disabled: bool,
) -> None:
    st.button(
        label,
        icon=icon,
        shortcut=key,
        disabled=disabled,
        # A second press meant for this version must not hit the next one too.
        key=f"{label}-{context.versions[0]}",
        on_click=_walk,
        args=(step, context.project.id, context.versions[0]),
    )


def _walk(step: Callable[[str, str], str], project: str, seen: str) -> None:
    try:
        step(project, seen)
    except GraftError as error:
        st.session_state[_REFUSED] = str(error)
