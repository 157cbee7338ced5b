"""How this browser reaches the server, for links that are passed on."""

from urllib.parse import urlsplit

import streamlit as st


def server_address() -> str:
    """Such as https://graft.example.org; empty where it is not known."""
    server = urlsplit(st.context.url or "")
    return f"{server.scheme}://{server.netloc}" if server.netloc else ""
