"""How this browser reaches the server, for links that are passed on."""

from urllib.parse import urlsplit

import streamlit as st

from core.settings import get_settings


def server_address() -> str:
    """Such as https://graft.example.org, with GRAFT_PATH; empty where it is not known."""
    server = urlsplit(st.context.url or "")
    own = f"{server.scheme}://{server.netloc}{get_settings().path}"
    return own if server.netloc else ""
