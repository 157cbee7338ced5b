"""The people of a project with their roles: add, change, remove."""

import streamlit as st

from core.access import Role
from core.projects.members import (
    ROLES,
    Member,
    add_member,
    change_role,
    members,
    present,
    remove_member,
)
from pages.components import text
from pages.components.clock import when
from pages.sections.people.refusals import attempt

TITLES: dict[str, str] = {"viewer": "Viewer", "editor": "Editor", "owner": "Owner"}
MEANINGS = (
    '<ul class="muted small meanings"><li><b>Viewers</b> look at everything and test images.</li>'
    "<li><b>Editors</b> also change images and train.</li>"
    "<li><b>Owners</b> also add people, make links and delete.</li></ul>"
)


def member_list(project: str, *, manages: bool) -> None:
    """Everybody, and for owners the ways to change that."""
    here = {member.user_id for member in present(project)}
    everybody = members(project)
    if not everybody:
        st.html(
            '<p class="muted">Nobody is in this project yet. Administrators see it all the same.'
            "</p>"
        )
    for member in everybody:
        with st.container(
            horizontal=True, vertical_alignment="center", key=f"member-{member.user_id}"
        ):
            st.html(_described(member, here=member.user_id in here), width="stretch")
            if manages:
                _role(project, member)
                _removal(project, member)
    st.html(MEANINGS)
    if manages:
        _adding(project)


def _described(member: Member, *, here: bool) -> str:
    chip = ' <span class="chip good">here now</span>' if here else ""
    seen = f"last here {when(member.seen_at)}" if member.seen_at else "not here yet"
    facts = "cannot sign in" if member.disabled else seen
    said = "" if here and not member.disabled else f'<p class="facts"><span>{facts}</span></p>'
    return (
        f"<p><b>{text.bdi(member.name, 60)}</b> {TITLES.get(member.role, 'Viewer')}{chip}</p>{said}"
    )


def _role(project: str, member: Member) -> None:
    key = f"role-{member.user_id}-{member.role}"
    st.selectbox(
        text.plain(f"Role of {member.name}"),
        ROLES,
        index=ROLES.index(member.role) if member.role in ROLES else 0,
        format_func=TITLES.__getitem__,
        key=key,
        label_visibility="collapsed",
        width=140,
        on_change=_change,
        args=(project, member.user_id, key),
    )


def _change(project: str, user_id: str, key: str) -> None:
    role: Role = st.session_state.pop(key)
    attempt(change_role, project, user_id, role)


def _removal(project: str, member: Member) -> None:
    with st.popover("Remove", key=f"removal-{member.user_id}"):
        st.html(
            f"<p>{text.bdi(member.name, 60)} no longer sees this project. Links that this person "
            "made stop working.</p>"
        )
        st.button(
            "Remove from the project",
            type="primary",
            key=f"remove-{member.user_id}",
            on_click=attempt,
            args=(remove_member, project, member.user_id),
        )


def _adding(project: str) -> None:
    with st.form("add-member", border=True, clear_on_submit=True):
        name = st.text_input("Name", max_chars=60, help="As this person signs in here.")
        role = st.selectbox("Role", ROLES, format_func=TITLES.__getitem__)
        if st.form_submit_button("Add this person", icon=":material/person_add:"):
            attempt(add_member, project, name, role)
            st.rerun()
