"""The pages about the pictures themselves, side by side below the step "Pictures"."""

import streamlit as st

from pages.components.project_context import address

PAGES = (
    ("pictures", "All pictures", ":material/photo_library:"),
    ("faults", "See what is wrong", ":material/troubleshoot:"),
    ("map", "Map", ":material/bubble_chart:"),
    ("label", "Label the rest", ":material/new_label:"),
    ("versions", "Versions", ":material/history:"),
)


def data_pages(here: str) -> None:
    """The links between them, the page one is on marked."""
    with st.container(horizontal=True, key="data-pages", gap="small"):
        for page, title, icon in PAGES:
            state = "here" if page == here else "other"
            with st.container(key=f"data-page-{state}-{page}", width="content"):
                st.page_link(f"{page}.py", label=title, icon=icon, query_params=address())
