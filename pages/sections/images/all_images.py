"""Every image of the version in use: choose some, then move, remove or group them."""

from collections.abc import Callable

import streamlit as st

from core.dataset import edits
from core.dataset.manifest import Dataset, Item
from pages.components import text
from pages.components.permission import only_for
from pages.components.picker import Bin, picker
from pages.components.project_context import ProjectContext
from pages.sections.images.last_change import change

PER_PAGE = 60
ALL, NO_CLASS = "", "\0"
"""Beside the classes; neither can be the name of one."""


@st.fragment
def every_picture(context: ProjectContext) -> None:
    """The thumbnails page by page, and what can be done with those that are chosen."""
    dataset, version = context.dataset, context.versions[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unlabelled = any(item.label is None for item in dataset.items)
        names = ["All classes", "Without a class", *map(text.plain, dataset.classes)]
        said = dict(zip([ALL, NO_CLASS, *dataset.classes], text.apart(names), strict=True))
        name = st.selectbox(
            "Class",
            [ALL, *dataset.classes, *([NO_CLASS] if unlabelled else [])],
            format_func=said.__getitem__,
            key="every-class",
            width=280,
        )
        shown = [(n, item) for n, item in enumerate(dataset.items) if _belongs(item, name)]
        pages = max(1, -(-len(shown) // PER_PAGE))
        page = st.pagination(pages, key=f"every-{name}", width=420) if pages > 1 else 1
        page = min(page, pages)  # the last one may have been emptied
    bar = st.container(key="choose-bar")
    here = shown[(page - 1) * PER_PAGE : page * PER_PAGE]
    kept = f"chosen-{version}"
    chosen: set[int] = st.session_state.get(kept, set())
    cleared = st.session_state.get(f"{kept}-cleared", 0)
    token = f"{version}-{page}-{cleared}-{name}"
    picked = picker(here, chosen, _bins(dataset), token=token, key="every-picker")
    elsewhere = chosen - {n for n, _ in here}
    if move := picked.move:
        moved = move.places | elsewhere if move.chosen else move.places
        change(context, lambda d: edits.relabel(d, moved, move.label))
        st.rerun()
    chosen = elsewhere | picked.places
    st.session_state[kept] = chosen
    with bar:
        _actions(context, chosen, kept)


def _bins(dataset: Dataset) -> list[Bin]:
    """The classes, each with its first image."""
    first: dict[str, str] = {}
    for item in dataset.labelled:
        if item.label is not None:
            first.setdefault(item.label, item.image)
    return [Bin(name, first.get(name, ""), n) for name, n in dataset.counts.items()]


def _belongs(item: Item, name: str) -> bool:
    return name == ALL or item.label == (None if name == NO_CLASS else name)


@only_for()
def _actions(context: ProjectContext, chosen: set[int], kept: str) -> None:
    none = not chosen
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f'<p role="status"><b>{len(chosen):,}</b> selected</p>', width="content")
        name = st.selectbox(
            "Move to",
            context.dataset.classes,
            index=None,
            accept_new_options=True,
            placeholder="Choose or type a class",
            format_func=text.among(context.dataset.classes),
            label_visibility="collapsed",
            disabled=none,
            key=f"move-to-{context.versions[0]}",
            width=230,
        )
        _action("Move", context, lambda d: edits.relabel(d, chosen, name or ""), none or not name)
        _action("Remove", context, lambda d: edits.remove(d, chosen), none)
        _action("Set aside without a class", context, lambda d: edits.unlabel(d, chosen), none)
        _action("Keep together", context, lambda d: edits.group(d, chosen), len(chosen) < 2)
        if st.button("Clear selection", type="tertiary", disabled=none):
            st.session_state[kept] = set()
            st.session_state[f"{kept}-cleared"] = st.session_state.get(f"{kept}-cleared", 0) + 1
            st.rerun(scope="fragment")


def _action(
    label: str, context: ProjectContext, edit: Callable[[Dataset], Dataset], disabled: bool
) -> None:
    # Beside the sentence for those who cannot guess: what it does to learning.
    said = {
        "Set aside without a class": "They stay here as unlabelled images.",
        "Keep together": "For images of one object: all are for training, or all for testing.",
    }
    if st.button(label, disabled=disabled, help=said.get(label)):
        change(context, edit)
        st.rerun()
