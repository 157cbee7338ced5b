"""How the one-file page gets onto a phone."""

import re
from urllib.parse import unquote

from streamlit.testing.v1 import AppTest

from pages.sections.use.phone import qr_code


def on_a_page() -> None:
    from pathlib import Path

    from pages.sections.use.phone import open_on_a_phone

    open_on_a_phone(Path("/home/jobs/0123456789abcdef"))


def test_where_no_phone_can_reach_it_the_page_says_what_to_do() -> None:
    page = AppTest.from_function(on_a_page).run(timeout=60)
    assert not page.exception
    said = " ".join(each.proto.body for each in page.get("html"))
    assert "mail the file" in said
    assert "GRAFT_HOST" in said
    assert "<img" not in said


def test_the_qr_code_is_drawn_without_a_server_and_its_address_is_text() -> None:
    html = qr_code('https://graft.example/graft/page/0123456789abcdef?"><script>')
    assert "<script>" not in html
    drawn = re.search(r'src="data:image/svg\+xml[^"]*,([^"]+)"', html)
    assert drawn
    assert unquote(drawn[1]).startswith("<svg")
