"""Who is in the project now, and the ways to its people and to one's own account."""

import streamlit as st

from core.access import acting, people_sign_in
from core.projects.members import present, seen
from pages.components import text
from pages.components.project_context import address

_SHOWN = 3


def people_link() -> None:
    """Beside the project's name: who else is here, and the page about them. Whoever came by a link
    sees neither."""
    actor = acting()
    if not (actor.machine or actor.id):
        return
    if people_sign_in():
        others_here()
    with st.container(key="people-link", width="content"):
        st.page_link("people.py", label="People", icon=":material/group:", query_params=address())


def others_here() -> None:
    """Those who look at this project now, but for oneself; notes that one does so, too."""
    project = address().get("project", "")
    seen(project)
    names = [each.name for each in present(project) if each.user_id != acting().id]
    if names:
        listed = ", ".join(text.bdi(name, 30) for name in names[:_SHOWN])
        more = f" +{len(names) - _SHOWN}" if len(names) > _SHOWN else ""
        st.html(
            f'<span class="muted small also-here">Also here: {listed}{more}</span>',
            width="content",
        )
