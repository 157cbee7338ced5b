"""Links to a project for people without an account: make, show once, revoke."""

import streamlit as st

from core.access import Action
from core.people.revoking import revoked
from core.projects.shares import make_share, revoke_share, share_path, shares
from pages.components import text
from pages.components.clock import when
from pages.components.server_address import server_address
from pages.sections.people.once import keep_to_show, secret_of, shown_once
from pages.sections.people.refusals import attempt
from pages.sections.use.phone import qr_code

PURPOSES: dict[str, tuple[Action, ...]] = {
    "Look at it": ("look",),
    "Look at it and test images": ("look", "test"),
}
DAYS = {"1 day": 1, "7 days": 7, "30 days": 30}


def links(project: str) -> None:
    """All links that work, and how to make another one."""
    st.html(
        '<p class="muted">Whoever has a link needs no account. It changes nothing, and you can '
        "revoke it at any time.</p>"
    )
    with st.form("make-link", border=True):
        purpose = st.radio("With this link people may", list(PURPOSES))
        days = st.selectbox("It works for", list(DAYS), index=1)
        if st.form_submit_button("Make a link", icon=":material/add_link:"):
            secret = attempt(make_share, project, PURPOSES[purpose], DAYS[days])
            if secret:
                keep_to_show(project, server_address() + share_path(secret))
            st.rerun()
    address = secret_of(project)
    shown_once(
        project,
        "Copy this link now: it is not shown again.",
        beside=qr_code(address) if "://" in address else "",
    )
    found = shares(project)
    if not found:
        st.html('<p class="muted">There are no links.</p>')
    for link in found:
        may = "look and test" if "test" in link.actions else "look"
        who = f"<span>made by {text.bdi(link.made_by, 40)}</span>" if link.made_by else ""
        with st.container(horizontal=True, vertical_alignment="center", key=f"link-{link.id[:12]}"):
            st.html(
                f'<p>Whoever has it may {may}.</p><p class="facts">{who}'
                f"<span>until {when(link.expires_at)}</span></p>",
                width="stretch",
            )
            st.button(
                "Revoke",
                key=f"revoke-{link.id[:12]}",
                on_click=attempt,
                args=(_revoke, project, link.id),
            )


def _revoke(project: str, link: str) -> None:
    revoke_share(project, link)
    revoked()
