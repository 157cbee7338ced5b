"""The language of the pages: the browser's, or the one chosen in the top bar."""

from pathlib import Path

import streamlit as st

from core.language.catalogues import LANGUAGES
from core.web.paths import base


def _source(kind: str) -> str:
    return Path(__file__).with_name(f"language.{kind}").read_text(encoding="utf-8")


_language = st.components.v2.component(
    "graft_language", html=_source("html"), css=_source("css"), js=_source("js")
)


def choose_language() -> None:
    """The choice in the top bar. What the page says is translated in the browser, as it comes."""
    with st.container(key="language", width="content"):
        _language(key="language-choice", data={"graft": base(), "languages": LANGUAGES})
