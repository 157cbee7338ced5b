"""What a screen reader or a keyboard needs and Streamlit has no argument for: navigation, the
current page, tables that scroll."""

from pathlib import Path

import streamlit as st

_landmarks = st.components.v2.component(
    "graft_landmarks", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def landmarks() -> None:
    """Mark the bars of links on this page as navigation, and in each the link that is open."""
    with st.container(key="unseen-landmarks"):
        _landmarks(key="landmarks", data={"bars": {"places": "Places", "image-pages": "Images"}})
