import pytest

from core.web.middleware import content_policy, inline_script_hashes, streamlit_index
from core.web.origin import host_allowed


def test_every_answer_carries_the_security_headers_also_an_error(client):
    for path in ("/graft/thumb/x/x", "/nothing/here"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        policy = headers["content-security-policy"]
        assert "img-src 'self' data: blob:" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "script-src 'self' blob: 'sha256-" in policy


@pytest.mark.parametrize(
    "path", ["/_stcore/upload_file/a/b", "/_stcore/metrics", "/_stcore/agent/mcp"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_streamlit_s_own_upload_and_other_unused_routes_are_refused(client, path, method):
    assert client.request(method, path).text == "Not used here."


def test_a_foreign_host_name_is_refused(client):
    assert client.get("/graft/thumb/x/x", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    ("host", "allowed", "fine"),
    [
        ("localhost:8501", ["localhost"], True),
        ("LOCALHOST", ["localhost"], True),
        ("[::1]:8501", ["[::1]"], True),
        ("evil.example", ["localhost"], False),
        ("localhost.evil.example", ["localhost"], False),
        ("a.example.org", ["*.example.org"], True),
        ("example.org", ["*.example.org"], False),
        ("whatever", [], True),
        ("whatever", ["*"], True),
    ],
)
def test_hosts_are_matched_by_name_without_the_port(host, allowed, fine):
    assert host_allowed(host, allowed) is fine


def test_the_policy_allows_exactly_the_inline_scripts_of_streamlit_s_page():
    assert len(list(inline_script_hashes(streamlit_index()))) >= 1
    assert list(inline_script_hashes("<p>none</p>")) == []


def test_the_policy_names_only_this_server_for_connections():
    rule = next(r for r in content_policy("localhost:1").split("; ") if r.startswith("connect-src"))
    assert rule == "connect-src 'self' ws://localhost:1 wss://localhost:1"
