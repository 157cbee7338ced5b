"""Whatever is asked of Graft's own routes, it is answered; no request makes an error of theirs."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from guarded_app import guarded_app
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.projects.database import migrate
from core.settings import Settings, get_settings
from core.web.routes import routes
from core.web.uploads import issue_upload, note_received, open_upload, received, upload_folder

JOB = "0123456789abcdef"
HASH = "ab" + "0" * 62
ORDINARY = {"Origin": "http://testserver", "X-Graft-Name": "a.jpg"}
STRANGE_NAMES = ("a\u2028b.jpg", "a\u2029b.jpg", "a\u0085b.jpg", "a\nb", "\0", "\u202e", "a\x1cb")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_HOME", str(tmp_path_factory.mktemp("home")))
        get_settings.cache_clear()
        migrate(get_settings())
        yield get_settings().home
    get_settings.cache_clear()


@pytest.fixture(scope="module")
def app(home: Path) -> Starlette:
    chosen = Settings(home=home, max_upload_bytes=1000, max_unpacked_bytes=9000, max_entries=50)
    return guarded_app(chosen)


@pytest.fixture(scope="module")
def client(app: Starlette) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def upload(home: Path) -> str:
    upload = open_upload(home)
    folder = upload_folder(home, upload)
    (folder / "0").write_bytes(b"\xff\xd8\xff" + bytes(600))
    note_received(folder, 0, "a.jpg", 603)
    (home / "jobs" / JOB).mkdir(parents=True)
    return upload


async def ask(app: Starlette, method: str, path: str, headers: list, body: bytes) -> int:
    """The status of an answer, past every client's notion of a decent request."""
    parts = [{"type": "http.request", "body": body, "more_body": False}]
    status: list[int] = []

    async def receive() -> dict:
        return parts.pop() if parts else {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": quote(path).encode(), "query_string": b"",
        "root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("x", 1),
    }  # fmt: skip
    await app(scope, receive, send)
    return status[0]


paths = st.sampled_from([route.path for route in routes(Settings(home=Path("/nowhere")))])
pieces = st.one_of(
    st.sampled_from(
        [HASH, JOB, "0" * 32, "..", "[::1]", "9" * 5000, "9" * 300, "-1", "٣", "{upload}"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)
values = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"9" * 99, b"http://[::1", b"http://[::1]:1", b"null", b"http://testserver",
         b"same-origin", b"bytes=9-1", b"bytes=0-0,1-1", b"bytes=-",
         b"%ff", b"%ed%a0%80", b"a%E2%80%A8b", b"%00"]
    ),
)  # fmt: skip
names = st.sampled_from(
    [b"origin", b"sec-fetch-site", b"x-graft-name", b"content-length", b"range", b"if-range",
     b"if-none-match", b"if-modified-since", b"content-type", b"cookie", b"transfer-encoding"]
)  # fmt: skip
methods = st.sampled_from(["GET", "PUT", "HEAD", "POST", "DELETE", "OPTIONS", "PATCH", "BREW", ""])
hosts = st.sampled_from([b"testserver", b"testserver:1", b"[::1", b"[::1]", b"", b"a b", b"x:y"])


@settings(max_examples=600)
@given(methods, paths, st.lists(pieces, min_size=2, max_size=2),
       st.lists(st.tuples(names, values), max_size=5), hosts, st.binary(max_size=1500))  # fmt: skip
def test_no_request_makes_a_route_fail(app, upload, method, path, parts, headers, host, body):
    fill = iter(parts)
    path = re.sub(r"\{[^}]*\}", lambda _: next(fill), path).replace("{upload}", upload)
    sent = [(b"host", host), *headers]
    status = asyncio.run(ask(app, method, path, sent, body))
    assert status < 500 or (path == "/readyz" and status == 503)  # no worker: that is its answer


@settings(max_examples=100)
@given(st.text(max_size=60), st.binary(max_size=1500))
@example("a\ud800.jpg", b"x")
def test_a_file_of_any_name_is_taken_or_refused_and_the_next_one_is_taken(client, home, name, body):
    address = f"/graft/upload/{issue_upload(home)}"
    sent = ORDINARY | {"X-Graft-Name": quote(name, errors="surrogatepass")}
    assert client.put(f"{address}/0", content=body, headers=sent).status_code < 500
    assert client.put(f"{address}/1", content=b"x", headers=ORDINARY).status_code == 200


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_a_name_with_another_line_s_end_stays_one_name(client, home, name):
    upload = issue_upload(home)
    sent = ORDINARY | {"X-Graft-Name": quote(name)}
    taken = client.put(f"/graft/upload/{upload}/0", content=b"x", headers=sent).status_code
    assert taken in (200, 400)
    assert client.put(f"/graft/upload/{upload}/1", content=b"y", headers=ORDINARY).is_success
    names = [file.name for file in received(upload_folder(home, upload))]
    assert names == ([name, "a.jpg"] if taken == 200 else ["a.jpg"])


def test_a_name_in_which_lines_are_parted_otherwise_is_text_like_any_other(client, home):
    upload = issue_upload(home)
    sent = ORDINARY | {"X-Graft-Name": quote("rot\u2028grün.jpg")}
    assert client.put(f"/graft/upload/{upload}/0", content=b"x", headers=sent).status_code == 200
    (file,) = received(upload_folder(home, upload))
    assert file.name == "rot\u2028grün.jpg"


@pytest.mark.parametrize("n", ["9" * 10, "9" * 300, "9" * 5000, "-1", "1.5", "٣", "%00"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_number_that_no_file_has_is_not_found(client, upload, method, n):
    answer = client.request(method, f"/graft/upload/{upload}/{n}", headers=ORDINARY)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "line", [b"[1]", b"7", b'"text"', b"null", b"{", b'{"n": [], "name": {}, "bytes": "x"}',
             b'{"n": 1}', b"\xff\xfe", b"[" * 100_000, b'{"n": 1, "name": "cut o']
)  # fmt: skip
def test_a_broken_line_in_an_index_costs_that_line_alone(client, home, line):
    upload = open_upload(home)
    folder = upload_folder(home, upload)
    note_received(folder, 0, "first.jpg", 1)
    with (folder / "index.jsonl").open("ab") as index:
        index.write(line)
    sent = client.put(f"/graft/upload/{upload}/1", content=b"x", headers=ORDINARY)
    assert sent.status_code == 200
    assert [file.name for file in received(folder)] == ["first.jpg", "a.jpg"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | st.just(float("nan")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["image", "label", "probabilities", "tasks", "set", "unknown", "error", "names"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
results = json_values | st.builds(
    lambda rows, file: {"predictions": rows} if file is None else {"file": file},
    json_values,
    st.none()
    | st.text(max_size=9)
    | st.sampled_from(["../../graft.db", "\0", "\ud800", "a" * 999]),
)


@settings(max_examples=300)
@given(results, json_values)
@example({"predictions": [{"image": "a", "tasks": {"k": {}}}]}, [])
@example({"predictions": [{"image": "\ud800"}]}, {"kind": "predict", "args": {"names": 3}})
def test_what_a_job_wrote_is_downloaded_or_not_found(client, home, upload, result, spec):
    folder = home / "jobs" / JOB
    event = {"event": "Finished", "seconds": 1.0, "result": result}
    (folder / "events.jsonl").write_text(json.dumps(event) + "\n", encoding="utf-8")
    (folder / "job.json").write_text(json.dumps(spec), encoding="utf-8")
    assert client.get(f"/graft/download/{JOB}").status_code in (200, 404)
    assert client.get(f"/graft/page/{JOB}").status_code == 404
