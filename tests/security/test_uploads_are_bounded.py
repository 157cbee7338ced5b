"""Files that come at once, that stall, or that never say how long they are, keep the limits."""

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette

import core.jobs.upload_ids
import core.web.intake
from core.settings import MiB, Settings
from core.web.routes import routes
from core.web.uploads import (
    discard,
    issue_upload,
    note_received,
    open_upload,
    received,
    upload_folder,
)

Sent = tuple[int, dict]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def app_with(home: Path, **chosen: object) -> Starlette:
    return Starlette(routes=routes(Settings(home=home, min_free_bytes=0).model_copy(update=chosen)))


async def put(
    app: Starlette,
    upload: str,
    n: int,
    body: AsyncIterator[bytes],
    announced: int | None = None,
    name: str = "a.jpg",
) -> Sent:
    """The status and the JSON of the answer to one body, which comes piece by piece."""
    status, answer = 0, b""

    async def receive() -> dict:
        piece = await anext(body, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message: dict) -> None:
        nonlocal status, answer
        status = message.get("status", status)
        answer += message.get("body", b"")

    headers = [(b"host", b"x"), (b"origin", b"http://x"), (b"x-graft-name", name.encode())]
    if announced is not None:
        headers.append((b"content-length", str(announced).encode()))
    path = f"/graft/upload/{upload}/{n}"
    scope = {"type": "http", "method": "PUT", "path": path, "raw_path": path.encode(),
             "query_string": b"", "root_path": "", "headers": headers}  # fmt: skip
    await app(scope, receive, send)
    return status, json.loads(answer)


async def pieces(content: bytes, until: asyncio.Event | None = None) -> AsyncIterator[bytes]:
    """The first half, then the rest as soon as it may come."""
    yield content[: len(content) // 2]
    if until:
        await until.wait()
    yield content[len(content) // 2 :]


async def for_ever() -> AsyncIterator[bytes]:
    yield b"x"
    await asyncio.Event().wait()


def on_disk(home: Path, upload: str) -> dict[str, int]:
    """Bytes of all but the index and its lock, by their names."""
    files = (home / "uploads" / upload).iterdir()
    return {file.name: file.stat().st_size for file in files if file.stem != "index"}


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "unannounced"])
def test_ten_files_at_once_do_not_pass_a_limit_of_two(home: Path, announced: bool):
    app, upload = app_with(home, max_unpacked_bytes=20 * MiB), open_upload(home)

    async def ten() -> list[Sent]:
        body = bytes(10 * MiB)
        return await asyncio.gather(
            *(put(app, upload, n, pieces(body), len(body) if announced else None)
              for n in range(10))
        )  # fmt: skip

    statuses = [status for status, _ in asyncio.run(ten())]
    files = on_disk(home, upload)
    assert sum(files.values()) <= 20 * MiB
    assert set(statuses) <= {200, 413}
    assert {n for n, status in enumerate(statuses) if status == 200} == set(map(int, files))
    if announced:  # who says beforehand how much will come is told so before it does
        assert statuses.count(200) == 2


def test_room_is_given_back_when_a_file_breaks_off_or_is_sent_again(home: Path):
    app, upload = app_with(home, max_unpacked_bytes=1000, upload_idle_seconds=0.05), None

    async def one_after_the_other() -> None:
        nonlocal upload
        upload = issue_upload(home)
        for _ in range(3):
            assert (await put(app, upload, 0, for_ever(), 900))[0] == 408
        for _ in range(3):
            assert (await put(app, upload, 0, pieces(bytes(900)), 900))[0] == 200
        assert (await put(app, upload, 1, pieces(bytes(101)), 101))[0] == 413
        assert (await put(app, upload, 1, pieces(bytes(100)), 100))[0] == 200

    asyncio.run(one_after_the_other())
    assert on_disk(home, upload) == {"0": 900, "1": 100}


def test_a_file_of_which_nothing_more_comes_is_given_up_and_leaves_nothing(home: Path):
    app, upload = app_with(home, upload_idle_seconds=0.05), open_upload(home)
    status, answer = asyncio.run(put(app, upload, 0, for_ever()))
    assert status == 408
    assert "send the remaining files again" in answer["error"]
    assert on_disk(home, upload) == {}
    assert received(upload_folder(home, upload)) == []


def test_of_two_bodies_to_one_number_each_answer_speaks_of_its_own(home: Path):
    app, upload = app_with(home), open_upload(home)
    long, short = b"l" * 3 * MiB, b"s" * MiB

    async def both() -> tuple[Sent, Sent]:
        half, first = asyncio.Event(), None
        first = asyncio.create_task(put(app, upload, 0, pieces(long, half), name="long.jpg"))
        await until(lambda: on_disk(home, upload))
        second = await put(app, upload, 0, pieces(short), name="short.jpg")
        half.set()
        return await first, second

    first, second = asyncio.run(both())
    assert first == (200, {"n": 0, "bytes": len(long)})
    assert second == (200, {"n": 0, "bytes": len(short)})
    (file,) = received(upload_folder(home, upload))
    assert file.name == "long.jpg"  # that which was whole last
    assert hashlib.sha256(file.path.read_bytes()).digest() == hashlib.sha256(long).digest()
    assert on_disk(home, upload) == {"0": len(long)}


def test_a_disk_that_is_nearly_full_takes_nothing(home: Path):
    app, upload = app_with(home, min_free_bytes=2 * shutil.disk_usage(home).total), None
    for announced in (2, None):
        upload = issue_upload(home)
        status, answer = asyncio.run(put(app, upload, 0, pieces(b"xy"), announced))
        assert status == 507
        assert "Free some space" in answer["error"]
        assert on_disk(home, upload) == {}


def test_room_on_the_disk_is_promised_once(home: Path, monkeypatch: pytest.MonkeyPatch):
    # The machine's own disk, others write to as well: this one is 10 MiB, and all for the test.
    usage = type(shutil.disk_usage(home))

    def disk(_path: Path) -> object:
        used = sum(file.stat().st_size for file in home.glob("uploads/*/*"))
        return usage(10 * MiB, used, 10 * MiB - used)

    monkeypatch.setattr(shutil, "disk_usage", disk)
    app, body = app_with(home, min_free_bytes=2 * MiB), bytes(6 * MiB)

    async def some() -> list[int]:
        held, upload = asyncio.Event(), issue_upload(home)
        first = asyncio.create_task(put(app, upload, 0, pieces(body, held), len(body)))
        await until((home / "uploads").exists)
        others = [(await put(app, issue_upload(home), 0, pieces(body), announced))[0]
                  for announced in (len(body), None)]  # fmt: skip
        held.set()
        return [*others, (await first)[0]]

    assert asyncio.run(some()) == [507, 507, 200]
    # What those held back that got none is there again for another.
    rest = bytes(2 * MiB - 4096)
    assert asyncio.run(put(app, issue_upload(home), 0, pieces(rest), len(rest)))[0] == 200


def test_so_many_bodies_at_once_are_taken_and_no_more(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(core.web.intake, "MOST_AT_ONCE", 3)
    app, body = app_with(home), bytes(MiB)

    async def five() -> list[int]:
        held, upload = asyncio.Event(), issue_upload(home)
        first = [asyncio.create_task(put(app, upload, n, pieces(body, held))) for n in range(3)]
        await until(lambda: (home / "uploads").exists() and len(on_disk(home, upload)) == 3)
        more = (await put(app, upload, 3, pieces(body)))[0]
        held.set()
        taken = [status for status, _ in await asyncio.gather(*first)]
        return [*taken, more, (await put(app, upload, 3, pieces(body)))[0]]

    assert asyncio.run(five()) == [200, 200, 200, 503, 200]


def test_a_page_that_nobody_sends_anything_from_leaves_no_folder(home: Path):
    for _ in range(100):
        issue_upload(home)
    assert not (home / "uploads").exists()


def test_only_ids_that_this_home_issued_are_taken_by_whichever_process(home: Path, tmp_path: Path):
    issued, elsewhere = issue_upload(home), issue_upload(tmp_path / "another")
    core.jobs.upload_ids._key.cache_clear()  # as in a process that was started later
    body = pieces(b"xy")
    assert asyncio.run(put(app_with(home), issued, 0, body))[0] == 200
    assert asyncio.run(put(app_with(home), elsewhere, 0, body))[0] == 404
    assert asyncio.run(put(app_with(home), issued[:-1] + "x", 0, body))[0] == 404


@pytest.mark.parametrize("end", [discard, lambda home, upload: shutil.rmtree(home / "uploads")])
def test_a_file_that_comes_too_late_is_told_so(home: Path, end: Callable[[Path, str], None]):
    app, upload = app_with(home), open_upload(home)

    async def late() -> Sent:
        held = asyncio.Event()
        task = asyncio.create_task(put(app, upload, 0, pieces(bytes(4 * MiB), held)))
        await until(lambda: on_disk(home, upload))
        end(home, upload)
        held.set()
        return await task

    status, answer = asyncio.run(late())
    assert status == 404
    assert "Reload the page" in answer["error"]
    assert not list((home / "uploads").glob("*/[0-9]*"))


def test_what_came_is_not_counted_anew_for_each_file(home: Path, monkeypatch: pytest.MonkeyPatch):
    app, upload, opened = app_with(home), open_upload(home), []
    folder = upload_folder(home, upload)
    for n in range(2000):
        note_received(folder, n, "a.jpg", 1)
    count = core.web.uploads._entry

    def counted(line: bytes) -> object:
        opened.append(line)
        return count(line)

    monkeypatch.setattr(core.web.uploads, "_entry", counted)
    for n in range(2000, 2050):
        assert asyncio.run(put(app, upload, n, pieces(b"xy")))[0] == 200
    assert len(opened) == 2000 + 49  # each line once, and the last by whoever comes next


def test_another_process_s_files_count_too(home: Path):
    app, upload = app_with(home, max_unpacked_bytes=10), open_upload(home)
    folder = upload_folder(home, upload)
    assert asyncio.run(put(app, upload, 0, pieces(b"xy")))[0] == 200
    note_received(folder, 1, "b.jpg", 7)
    assert asyncio.run(put(app, upload, 2, pieces(b"xy")))[0] == 413
    assert asyncio.run(put(app, upload, 2, pieces(b"x")))[0] == 200
    os.remove(folder / "index.jsonl")
    assert asyncio.run(put(app, upload, 2, pieces(b"xy")))[0] == 200
