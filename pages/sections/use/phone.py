"""The one-file page at an address of this server: a link, and a QR code for a phone."""

from pathlib import Path
from urllib.parse import urlsplit

import segno
import streamlit as st

from core.web.paths import address
from pages.components import text
from pages.components.server_address import server_address

_THIS_COMPUTER = ("localhost", "127.0.0.1", "::1")


def open_on_a_phone(page: Path) -> None:
    """How to get at the page that a finished job made: here, or with a phone's camera."""
    server = server_address()
    where = address("page", page.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.link_button("Open it here", where, icon=":material/open_in_new:")
        if not server or urlsplit(server).hostname in _THIS_COMPUTER:
            st.html(
                '<p class="muted small">To open it on a phone, mail the file. Or let phones reach '
                "this app: set GRAFT_HOST and GRAFT_ALLOWED_HOSTS, then open this page under that "
                "name.</p>",
                width="stretch",
            )
            return
    st.html(qr_code(server + where))


def qr_code(address: str) -> str:
    """The address as a QR code and in letters, as HTML."""
    code = segno.make(address, error="m", micro=False)
    drawn = code.svg_data_uri(scale=4, border=3, dark="#1d2620", light="#ffffff")
    said = text.html(address, 300)
    return (
        '<div class="beside"><p class="small">Open on a phone: point its camera here.</p>'
        f'<img src="{drawn}" width="180" height="180" alt="QR code of {said}">'
        f'<p class="small muted"><bdi>{said}</bdi></p></div>'
    )
