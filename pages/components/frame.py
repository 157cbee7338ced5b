"""The top of every page: the app's name, the project's name, and the steps."""

import streamlit as st

from pages.components import text
from pages.components.connection import say_when_it_stops
from pages.components.glossary import explain_terms
from pages.components.guide import guide
from pages.components.landmarks import landmarks
from pages.components.language import choose_language
from pages.components.people_here import people_link
from pages.components.permission import say_look_only
from pages.components.person import person
from pages.components.progress import ButtonKind
from pages.components.project_context import ProjectContext, address, here

PLACES = {
    "images": "Images",
    "train": "Train",
    "results": "Results",
    "use": "Use",
}
"""The four places of a project: page and title."""
ICONS = {
    "images": ":material/photo_library:",
    "train": ":material/model_training:",
    "results": ":material/monitoring:",
    "use": ":material/bolt:",
}


def frame(place: str) -> ProjectContext:
    """Draw the top of a place's page. Without a project in the address, says so and ends there."""
    context = here()
    if context is None:
        brand()
        empty("Which project?", "Choose one, or start a new one.")
        onward("Show my projects", "home")
        st.stop()
    brand(context.project.title)
    _places(place)
    return context


def brand(project: str = "") -> None:
    """The app's name, which leads home, the project's name, and the guide."""
    with st.container(horizontal=True, vertical_alignment="center", key="brand", gap="small"):
        st.page_link("home.py", label="Graft", icon=":material/psychiatry:", query_params={})
        if project:
            st.html(f'<span class="where">{text.bdi(project, 60)}</span>', width="content")
            people_link()
        guide()
        choose_language()
        person()
    say_when_it_stops()


def _places(here: str) -> None:
    with st.container(horizontal=True, key="places"):
        for page, title in PLACES.items():
            state = "here" if page == here else "other"
            with st.container(key=f"place-{state}-{page}", width="content"):
                st.page_link(f"{page}.py", label=title, icon=ICONS[page], query_params=address())
    landmarks()
    explain_terms()
    say_look_only()


def trainable(context: ProjectContext) -> bool:
    """Whether the newest images can teach a classifier."""
    dataset = context.newest
    return dataset is not None and not problem(context)


def problem(context: ProjectContext) -> str:
    """Why the newest images cannot teach a classifier yet; empty when they can."""
    from core.errors import UnusableDataset

    if context.newest is None:
        return context.damage or "There are no images yet."
    try:
        context.dataset.require_trainable()
    except UnusableDataset as error:
        return str(error)
    return ""


def empty(title: str, sentence: str, *, level: int = 1) -> None:
    """What is shown where nothing is yet, with what to do about it.

    Its title is that of the page, unless the page has one above it: then `level` is 2.
    """
    st.html(f'<div class="empty"><h{level}>{title}</h{level}><p>{sentence}</p></div>')


def onward(label: str, page: str, *, primary: bool = True, **changes: str | None) -> None:
    """The button in the middle that leads to another page of this project."""
    with st.container(horizontal=True, horizontal_alignment="center"):
        lead(label, page, primary=primary, **changes)


def lead(label: str, page: str, *, primary: bool = False, **changes: str | None) -> None:
    """The same button, wherever it is put."""
    kind: ButtonKind = "primary" if primary else "secondary"
    if st.button(label, type=kind, key=f"lead-{page}-{label}", icon=":material/arrow_forward:"):
        st.switch_page(f"{page}.py", query_params=address(**changes))


def need_any_images(context: ProjectContext, sentence: str) -> None:
    """End the page, with what it is for and the way out, where there is no image at all."""
    if context.newest is None:
        empty("Add images first", context.damage or sentence)
        onward("Add images", "images")
        st.stop()


def need_images(context: ProjectContext) -> None:
    """End the page with a way out when there is nothing to learn from."""
    fault = problem(context)
    if fault:
        empty("Add images first", text.html(fault, 600))
        onward("Add images", "images")
        st.stop()


def need_model(context: ProjectContext) -> None:
    """End the page with a way out when there is no finished model."""
    if context.finished:
        return
    need_images(context)
    if any(status.active for status in context.statuses.values()):
        empty("A model is being trained", "You can go on here once it is done.")
        onward("Watch the training", "train")
    else:
        empty("No model yet", "This page needs a trained model.")
        onward("Train a model", "train")
    st.stop()
