"""The audit log: who did what lately, page by page, and all of it as a table."""

import streamlit as st

from core.projects.deeds import count_deeds, deeds
from core.web.paths import api_address
from pages.components import text
from pages.components.clock import when

PER_PAGE = 20


def deed_list(project: str = "") -> None:
    """Of a project; without one, of the server."""
    n = count_deeds(project)
    if not n:
        st.html('<p class="muted">Nothing has been done yet.</p>')
        return
    pages = -(-n // PER_PAGE)
    page = st.pagination(pages, key="deeds-page") if pages > 1 else 1
    lines = "".join(
        f"<tr><td>{when(deed.at)}</td><td>{text.bdi(deed.name, 40)}</td>"
        f"<td>{text.html(deed.what, 40)}</td><td>{text.bdi(deed.about, 80) if deed.about else ''}"
        "</td></tr>"
        for deed in deeds(project, first=(page - 1) * PER_PAGE, count=PER_PAGE)
    )
    st.html(
        '<div class="scroll"><table class="table"><thead>'
        '<tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th>'
        f'<th scope="col">Details</th></tr></thead><tbody>{lines}</tbody></table></div>'
    )
    st.link_button(
        "Download as CSV",
        api_address(*(("projects", project) if project else ()), "log.csv"),
        icon=":material/download:",
    )
