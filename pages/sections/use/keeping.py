"""Consent: whether answers are kept, to see whether the model stays good."""

import streamlit as st

from core.field import consent
from core.field.kept import amount, forget_project
from core.settings import get_settings
from pages.components import text
from pages.components.frame import lead
from pages.components.permission import allowed
from pages.components.project_context import ProjectContext

CHOICES = {"": "Nothing", "answers": "Answers only", "images": "Answers and images"}
EXPLAINED = {
    "": "Nothing is kept. Nobody can tell then whether the model stays good.",
    "answers": "Kept of each image: the class, how confident the model is, whether it is unknown, "
    "and a fingerprint of the file, so that it counts once. No image and no file name.",
    "images": "Kept as well: the image itself, without its name and what the camera wrote into it. "
    "An audit needs that.",
}


def keep_answers(context: ProjectContext) -> None:
    """The choice, what it means, and the way to what it is good for."""
    project, settings = context.project.id, get_settings()
    now = consent.kept_of(project, settings)
    with st.container(border=True, key="keeping"):
        chosen = st.segmented_control(
            "Keep what is asked, to see whether the model stays good",
            list(CHOICES),
            default=now,
            required=True,
            format_func=CHOICES.__getitem__,
            key=f"keep-{now}",
            disabled=not allowed(),
        )
        if chosen != now:
            consent.choose(project, chosen, settings)
            st.rerun()
        n, images, size = amount(project, settings)
        st.html(f'<p class="muted small">{EXPLAINED[now]} {_held(n, images, size)}</p>')
        with st.container(horizontal=True):
            if n or now:
                lead("In the field", "field")
            if n and allowed("manage"):
                _offer_to_delete(project, n)


def _held(n: int, images: int, size: int) -> str:
    if not n:
        return ""
    held = f"So far: {text.count(n, 'answer')}"
    return f"{held}, {text.count(images, 'image')} ({size / 2**20:,.0f} MB)." * bool(images) or (
        f"{held}."
    )


def _offer_to_delete(project: str, n: int) -> None:
    with st.popover("Delete what was kept", icon=":material/delete:"):
        st.html(
            f"<p>{text.count(n, 'answer')}, their images and all audits of this project will be "
            "gone. Images that were taken into the project stay.</p>"
        )
        if st.button("Delete for good", key="forget-field", icon=":material/delete:"):
            forget_project(project, get_settings())
            st.rerun()
