"""A bookmark of a page that has moved leads to where it is now, with its project."""

import pytest
from starlette.testclient import TestClient

PROJECT = "project=0123456789abcdef"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"/pictures?{PROJECT}", f"/images?{PROJECT}"),
        (f"/faults?{PROJECT}&problem=a%26b", f"/check-data?{PROJECT}&problem=a%26b"),
        (f"/backbone?{PROJECT}", f"/train?change=backbone&{PROJECT}"),
        (f"/strategy?{PROJECT}&backbone=x", f"/train?change=method&{PROJECT}&backbone=x"),
        (f"/training?{PROJECT}&run=ab", f"/train?watch=ab&{PROJECT}&run=ab"),
        (f"/try?{PROJECT}&run=ab", f"/use?{PROJECT}&run=ab"),
        ("/take-away", "/use"),
        ("/try?x=%0d%0aSet-Cookie:+a", "/use?x=%0D%0ASet-Cookie%3A+a"),
    ],
)
def test_an_old_address_leads_to_the_page_of_today(client: TestClient, old: str, new: str) -> None:
    answer = client.get(old, follow_redirects=False)
    assert answer.status_code == 308
    assert answer.headers["location"] == new
