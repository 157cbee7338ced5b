"""People: who is in the project and as what, links to it, and what was done."""

import streamlit as st

from core.access import acting, may, people_sign_in
from pages.components.frame import frame
from pages.sections.people.deed_list import deed_list
from pages.sections.people.links import links
from pages.sections.people.member_list import member_list
from pages.sections.people.refusals import refusal

context = frame("people")
project = context.project.id
st.title("People", anchor=False)
if not people_sign_in():
    st.html(
        '<p class="said">Everybody at this computer owns every project. To let others in, each '
        "with a role, start Graft with this setting: <code>GRAFT_LOGIN=password</code></p>"
    )
    st.header("What was done", anchor=False)
    deed_list(project)
    st.stop()
refusal()
manages = may(acting(), "manage", project)
if not manages:
    member_list(project, manages=False)
    st.html('<p class="muted">Owners of this project add people and make links.</p>')
    st.stop()
who, ways, done = st.tabs(["People", "Links", "What was done"])
with who:
    member_list(project, manages=True)
with ways:
    links(project)
with done:
    deed_list(project)
