"""A secret that is shown once: to copy, and then gone."""

import streamlit as st

from pages.components.placeholder import placeholder


def keep_to_show(name: str, secret: str) -> None:
    """For the next `shown_once` of this name."""
    st.session_state[f"once-{name}"] = secret


@placeholder
def shown_once(name: str, sentence: str, *, beside: str = "") -> None:
    """The secret with a button to copy it, until “Done” is pressed; `beside` is HTML below it."""
    secret = st.session_state.get(f"once-{name}")
    if not secret:
        return
    with st.container(border=True, key=f"once-shown-{name}"):
        st.html(f'<p class="said" role="status">{sentence}</p>')
        st.code(secret, language=None, wrap_lines=True)
        if beside:
            st.html(beside)
        st.button("Done", key=f"once-done-{name}", on_click=_forget, args=(name,))


def secret_of(name: str) -> str:
    """What is shown; empty for nothing."""
    return str(st.session_state.get(f"once-{name}", ""))


def _forget(name: str) -> None:
    st.session_state.pop(f"once-{name}", None)
