from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from core.dataset.ingest.sources import open_source
from core.errors import NotFound
from core.settings import Settings
from core.web.uploads import discard, open_upload, received, upload_folder

SAME = {"Origin": "http://testserver"}


def put(client: TestClient, upload: str, n: int, body: bytes, name: str = "a.jpg", **headers: str):
    sent = SAME | {"X-Graft-Name": quote(name)} | headers
    return client.put(f"/graft/upload/{upload}/{n}", content=body, headers=sent)


@pytest.fixture
def upload(settings: Settings) -> str:
    return open_upload(settings.home)


def test_files_arrive_whole_with_their_names_as_text(client, settings, upload):
    for n, name in enumerate(["katzen/münze.jpg", "../../etc/passwd", "قطة/😀.png"]):
        assert put(client, upload, n, b"x" * n, name).json() == {"n": n, "bytes": n}
    files = received(upload_folder(settings.home, upload))
    assert [file.name for file in files] == ["katzen/münze.jpg", "../../etc/passwd", "قطة/😀.png"]
    assert [file.path.stat().st_size for file in files] == [0, 1, 2]
    assert {file.path.parent for file in files} == {settings.home / "uploads" / upload}


def test_what_arrived_is_read_by_its_names_and_nothing_else(client, settings, upload):
    for n, name in enumerate(("cats/tom.jpg", "dogs/rex.jpg")):
        assert put(client, upload, n, b"x" * 10, name).status_code == 200
    read = open_source(upload_folder(settings.home, upload), settings).entries
    assert [entry.name for entry in read] == ["cats/tom.jpg", "dogs/rex.jpg"]


def test_a_file_sent_again_after_a_broken_connection_counts_once(client, settings, upload):
    put(client, upload, 0, b"x" * 900)
    assert put(client, upload, 0, b"y" * 1000).status_code == 200
    (file,) = received(upload_folder(settings.home, upload))
    assert file.path.read_bytes() == b"y" * 1000


def test_limits_hold_on_the_bytes_that_arrive_not_on_those_announced(client, settings, upload):
    def body():
        for _ in range(20):
            yield b"x" * 100

    answer = put(client, upload, 0, body(), "big.jpg")
    assert answer.status_code == 413
    assert "big.jpg" in answer.json()["error"]
    assert [p.name for p in upload_folder(settings.home, upload).iterdir()] == []


def test_announced_size_over_the_limit_is_refused_before_anything_is_read(client, upload):
    assert put(client, upload, 0, b"x" * 1001).status_code == 413


def test_all_files_together_have_a_limit_too(client, upload):
    assert [put(client, upload, n, b"x" * 1000).status_code for n in range(3)] == [200, 200, 413]


def test_more_files_than_the_limit_are_refused(client, upload):
    assert put(client, upload, 5, b"x").status_code == 413


@pytest.mark.parametrize("upload_id", ["0" * 32, "../jobs", "x", "%2e%2e", "A" * 32])
def test_only_an_upload_id_that_was_issued_here_is_taken(client, upload_id):
    assert put(client, upload_id, 0, b"x").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://testserver:81"},
    ],
)
def test_another_site_cannot_send_files(client, settings, upload, headers):
    assert put(client, upload, 0, b"x", **headers).status_code == 403
    assert received(upload_folder(settings.home, upload)) == []


def test_a_request_that_does_not_say_where_it_comes_from_is_refused(client, upload):
    answer = client.put(f"/graft/upload/{upload}/0", content=b"x", headers={"X-Graft-Name": "a"})
    assert answer.status_code == 403


@pytest.mark.parametrize("name", ["", "%ff", "x" * 5000])
def test_a_file_without_a_usable_name_is_refused(client, upload, name):
    sent = SAME | {"X-Graft-Name": name}
    assert client.put(f"/graft/upload/{upload}/0", content=b"x", headers=sent).status_code == 400


def test_a_full_disk_is_said_in_a_sentence(client, upload, monkeypatch):
    import errno
    import os

    def full(_source: Path, _target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    answer = put(client, upload, 0, b"x")
    assert answer.status_code == 507
    assert "disk is full" in answer.json()["error"]


def test_a_discarded_upload_is_gone_and_takes_nothing_more(client, settings, upload):
    put(client, upload, 0, b"x")
    discard(settings.home, upload)
    assert put(client, upload, 1, b"x").status_code == 404
    with pytest.raises(NotFound):
        upload_folder(settings.home, upload)
