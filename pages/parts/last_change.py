"""Changing the pictures: every change is a version, said in words, with undo beside it."""

from collections.abc import Callable

import streamlit as st

from core import (
    Dataset,
    GraftError,
    apply_edit,
    datasets,
    history,
    redo,
    redoable,
    undo,
    undoable,
)
from pages.parts import text
from pages.parts.place import Place
from pages.parts.steady import steady

_REFUSED = "change_refused"


def change(place: Place, edit: Callable[[Dataset], Dataset]) -> bool:
    """Edit the version that was seen; says whether it worked. For callbacks of buttons.

    What stands in the way is said by the next `last_change`.
    """
    try:
        if datasets(place.project.id)[0].dataset_id != place.versions[0]:
            st.session_state[_REFUSED] = (
                "The pictures were changed elsewhere in the meantime, so nothing was done. This "
                "is how they are now: look once more."
            )
            return False
        edited = edit(place.dataset)
        if edited is not place.dataset:
            apply_edit(place.project.id, edited)
    except GraftError as error:
        st.session_state[_REFUSED] = str(error)
        return False
    return True


@steady
def last_change(place: Place) -> None:
    """The line that says what was changed last, with Undo and Redo; nothing before any change."""
    refused = st.session_state.pop(_REFUSED, "")
    if refused:
        st.error(text.markdown(refused, 400), icon=":material/error:")
    past = history(place.project.id)
    back, forward = undoable(past), redoable(past)
    if not back and not forward:
        return
    what, version = ("Last change", back) if back else ("Taken back", forward)
    said = f"{what}: {text.html(version.sentence.rstrip('.'), 160)}"
    with st.container(horizontal=True, vertical_alignment="center", key="last-change"):
        st.html(f'<p role="status">{said}</p>', width="stretch")
        _button("Undo", "u", ":material/undo:", undo, place, disabled=back is None)
        _button("Redo", "shift+u", ":material/redo:", redo, place, disabled=forward is None)


def _button(
    label: str,
    key: str,
    icon: str,
    step: Callable[[str], str],
    place: Place,
    *,
    disabled: bool,
) -> None:
    st.button(
        label,
        icon=icon,
        shortcut=key,
        disabled=disabled,
        # A second press meant for this version must not hit the next one too.
        key=f"{label}-{place.versions[0]}",
        on_click=_walk,
        args=(step, place.project.id),
    )


def _walk(step: Callable[[str], str], project: str) -> None:
    try:
        step(project)
    except GraftError as error:
        st.session_state[_REFUSED] = str(error)
