"""Account: one's own tokens and use of the server; for administrators, everybody's accounts."""

import streamlit as st

from core.access import acting, people_sign_in
from core.jobs.person_use import my_quotas
from pages.components import text
from pages.components.frame import brand
from pages.sections.people.accounts import accounts
from pages.sections.people.deed_list import deed_list
from pages.sections.people.refusals import refusal
from pages.sections.people.token_list import token_list


def use() -> None:
    """How much of the server one takes up, beside what one may."""
    for quota in my_quotas():
        st.html(f"<p>{quota.said}.</p>")
        if quota.limit:
            st.progress(min(1.0, quota.used / quota.limit))


brand()
person = acting()
st.title("Account", anchor=False)
if not people_sign_in() or not person.id or person.actions is not None:
    st.html(
        '<p class="said">Nobody signs in here, so there are no accounts. To let others in, '
        "start Graft with this setting: <code>GRAFT_LOGIN=password</code></p>"
        if not people_sign_in()
        else '<p class="said">You came by a link. Sign in to see your account.</p>'
    )
    st.stop()
refusal()
st.html(f'<p class="said">{text.bdi(person.name, 60)}</p>')
st.header("Tokens", anchor=False)
token_list()
st.header("What I use", anchor=False)
use()
if person.admin:
    st.header("People of this server", anchor=False)
    accounts()
    with st.expander("What was done on this server", icon=":material/history:"):
        deed_list()
