"""What is said when the server is gone, and where one is led when one was signed out."""

from pathlib import Path

import streamlit as st

from core.settings import get_settings

_connection = st.components.v2.component(
    "graft_connection", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def say_when_it_stops() -> None:
    """On every page: "Graft has stopped. Your work is safe." in place of Streamlit's own words."""
    with st.container(key="unseen-connection"):
        _connection(key="connection", data={"probe": f"{get_settings().path}/_stcore/host-config"})
