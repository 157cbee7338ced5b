"""The middleware in its place, in front of the whole running app."""

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from running_server import COLD, Server, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server") / "home", **COLD) as started:
        yield started


def test_the_app_s_own_page_carries_the_policy(server: Server):
    with urllib.request.urlopen(server.address, timeout=60) as answer:
        assert "img-src 'self' data: blob:" in answer.headers["content-security-policy"]


def test_a_page_that_has_moved_is_found_at_its_old_address(server: Server):
    with urllib.request.urlopen(f"{server.address}/training?project=ab&run=cd", timeout=60) as page:
        assert page.url == f"{server.address}/train?watch=cd&project=ab&run=cd"
        assert page.status == 200


def test_streamlit_s_upload_takes_nothing(server: Server):
    where = f"{server.address}/_stcore/upload_file/session/file"
    asked = urllib.request.Request(where, data=b"x" * 1000, method="PUT")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(asked, timeout=60)


def test_another_host_name_is_refused(server: Server):
    asked = urllib.request.Request(server.address, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(asked, timeout=60)
