"""The pages about the images themselves, side by side below the place Images."""

import streamlit as st

from pages.components.project_context import address

PAGES = (
    ("images", "All images", ":material/photo_library:"),
    ("check_data", "Check data", ":material/troubleshoot:"),
    ("map", "Map", ":material/bubble_chart:"),
    ("label", "Label the rest", ":material/new_label:"),
    ("versions", "Versions", ":material/history:"),
)


def image_pages(here: str) -> None:
    """The links between them, the page one is on marked."""
    with st.container(horizontal=True, key="image-pages", gap="small"):
        for page, title, icon in PAGES:
            state = "here" if page == here else "other"
            with st.container(key=f"image-page-{state}-{page}", width="content"):
                st.page_link(f"{page}.py", label=title, icon=icon, query_params=address())
