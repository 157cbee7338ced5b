"""One's own tokens for programs: make, show once, revoke."""

import streamlit as st

from core.access import ACTIONS, Action
from core.people.revoking import revoked
from core.projects import list_projects
from core.projects.tokens import make_token, revoke_token, tokens
from pages.components import text
from pages.components.clock import when
from pages.sections.people.once import keep_to_show, shown_once
from pages.sections.people.refusals import attempt

ALLOWED: dict[str, tuple[Action, ...]] = {
    "Look": ("look",),
    "Look and test images": ("look", "test"),
    "All that I may do": ACTIONS,
}
DAYS = {"7 days": 7, "30 days": 30, "90 days": 90, "1 year": 365}
_ALL = ""


def token_list() -> None:
    """All that work, and how to make another one."""
    st.html(
        '<p class="muted">A program shows a token to act for you: on the command line, set '
        "these two: <code>GRAFT_SERVER</code> <code>GRAFT_TOKEN</code></p>"
    )
    titles = {_ALL: "All my projects"} | {each.id: each.title for each in list_projects()}
    shown = dict(
        zip(titles, text.apart([text.plain(each) for each in titles.values()]), strict=True)
    )
    with st.form("make-token", border=True, clear_on_submit=True):
        title = st.text_input("What it is for", max_chars=80, placeholder="Nightly check")
        allowed = st.selectbox("It may", list(ALLOWED), index=1)
        project = st.selectbox("In", list(shown), format_func=shown.__getitem__)
        days = st.selectbox("It works for", list(DAYS), index=1)
        if st.form_submit_button("Make a token", icon=":material/key:"):
            secret = attempt(make_token, title, ALLOWED[allowed], DAYS[days], project)
            if secret:
                keep_to_show("token", secret)
            st.rerun()
    shown_once("token", "Copy this token now: it is not shown again.")
    found = tokens()
    if not found:
        st.html('<p class="muted">You have no tokens.</p>')
    for token in found:
        used = f"last used {when(token.used_at)}" if token.used_at else "not used yet"
        where = shown.get(token.project_id, "a project you no longer see")
        with st.container(
            horizontal=True, vertical_alignment="center", key=f"token-{token.id[:12]}"
        ):
            st.html(
                f"<p><b>{text.bdi(token.title, 80)}</b></p>"
                f'<p class="facts"><span>{text.html(where)}</span><span>{used}</span>'
                f"<span>until {when(token.expires_at)}</span></p>",
                width="stretch",
            )
            st.button(
                "Revoke",
                key=f"revoke-{token.id[:12]}",
                on_click=attempt,
                args=(_revoke, token.id),
            )


def _revoke(token: str) -> None:
    revoke_token(token)
    revoked()
