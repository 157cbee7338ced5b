"""The guide: one page in plain words, behind the "?" of every page."""

from pathlib import Path

import streamlit as st

GUIDE = Path(__file__).parents[1] / "guide.md"


def guide() -> None:
    """The button that opens it."""
    with st.popover("Guide", icon=":material/help:", type="tertiary", key="guide"):
        st.markdown(GUIDE.read_text(encoding="utf-8"))
