"""Moving to another page while the one that is left still refreshes by itself.

The browser goes on asking for such refreshes until it hears of the new page. Streamlit would keep
what arrives so late and do it after the new page is drawn, for the old page: the browser takes that
for a move back, throws the new page away, and stays white.
"""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

HERE = "page-here"


def move(page: st.Page) -> None:
    """Before anything of a page is drawn: forget what refreshed by itself on the page before.

    Later requests for it are then refused. One that is waiting already goes under in the rerun,
    which takes its place.
    """
    before = st.session_state.get(HERE, page.url_path)
    st.session_state[HERE] = page.url_path
    context = get_script_run_ctx()
    if before != page.url_path and context:
        context.fragment_storage.clear()
        st.rerun()
