"""The people of the server, for administrators: who has an account, and links to get one."""

from collections.abc import Callable

import streamlit as st

from core.people import links, users
from pages.components import text
from pages.components.clock import when
from pages.components.server_address import server_address
from pages.sections.people.once import keep_to_show, shown_once
from pages.sections.people.refusals import attempt


def accounts() -> None:
    """All of them: add one, give a new link, disable, enable."""
    shown_once(
        "account",
        "Send this link to the person: it sets a password, once, within a day. It is not shown "
        "again.",
    )
    with st.form("add-account", border=True, clear_on_submit=True):
        name = st.text_input("Name", max_chars=60)
        admin = st.checkbox("Administrator")
        if st.form_submit_button("Add an account", icon=":material/person_add:"):
            attempt(_add, name, admin)
            st.rerun()
    for user in users.list_users():
        with st.container(horizontal=True, vertical_alignment="center", key=f"account-{user.id}"):
            st.html(_described(user), width="stretch")
            _ways(user)


def _described(user: users.User) -> str:
    facts = [f"<span>since {when(user.created_at)}</span>"]
    if user.admin:
        facts.append("<span>administrator</span>")
    if user.disabled_at:
        facts.append("<span>disabled</span>")
    return f'<p><b>{text.bdi(user.name, 60)}</b></p><p class="facts">{"".join(facts)}</p>'


def _ways(user: users.User) -> None:
    def button(label: str, key: str, act: Callable[[str], object]) -> None:
        st.button(label, key=f"{key}-{user.id}", on_click=attempt, args=(act, user.id))

    if user.disabled_at:
        button("Enable", "enable", users.enable)
    else:
        button("New link", "relink", _link)
        button("Disable", "disable", users.disable)


def _add(name: str, admin: bool) -> None:
    _link(users.add(name, admin=admin).id)


def _link(user_id: str) -> None:
    secret = links.password_link(user_id)
    keep_to_show("account", f"{server_address()}/graft/sign-in/password/{secret}")
