"""Whatever of the product is killed: nothing stays behind, and nothing is there twice."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_server import COLD, ROOT, Server, free_port, processes_of, running, wait_for

from core.errors import CannotStart
from core.server.launch import Keeper

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")

WEB, WORKER = "webserver", "core.jobs.worker"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("supervised") / "home", **COLD) as started:
        yield started


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=20):
            return True
    except OSError:
        return False


def a_new(module: str, home: Path, old: set[int]) -> bool:
    """Whether there is one in place of the old; two at any moment are a fault."""
    found = {each.pid for each in processes_of(home, module)}
    assert len(found) <= 1
    return bool(found - old)


def kill(module: str, home: Path) -> set[int]:
    """kill -9 for it; gives its process id."""
    [process] = processes_of(home, module)
    process.kill()
    return {process.pid}


def test_a_killed_web_app_is_back_at_the_same_address(server: Server) -> None:
    [worker] = processes_of(server.home, WORKER)
    old = kill(WEB, server.home)
    wait_for(lambda: a_new(WEB, server.home, old) and answers(server.address))
    assert processes_of(server.home, WORKER) == [worker]
    log = (server.home / "logs" / "web.log").read_text(encoding="utf-8")
    assert log.count("Application startup complete") == 2


def test_a_killed_worker_is_replaced_by_one(server: Server) -> None:
    for _ in range(2):
        old = kill(WORKER, server.home)
        wait_for(lambda old=old: a_new(WORKER, server.home, old))


def test_when_both_are_killed_the_new_web_app_starts_no_worker_of_its_own(server: Server) -> None:
    wait_for(lambda: len(processes_of(server.home, WORKER)) == 1)
    old = kill(WORKER, server.home) | kill(WEB, server.home)
    wait_for(lambda: a_new(WEB, server.home, old) and answers(server.address))
    wait_for(lambda: a_new(WORKER, server.home, old))
    [worker] = processes_of(server.home, WORKER)
    assert worker.ppid() == server.process.pid


def test_when_serve_is_killed_all_end_and_the_next_one_starts_and_ends(server: Server) -> None:
    server.process.kill()
    server.process.wait()
    wait_for(lambda: processes_of(server.home) == [], seconds=60)
    with running(server.home, **COLD, GRAFT_PORT=server.address.rpartition(":")[2]) as again:
        wait_for(lambda: len(processes_of(again.home, WORKER)) == 1)
        old = kill(WORKER, again.home) | kill(WEB, again.home)
        wait_for(lambda: a_new(WEB, again.home, old) and a_new(WORKER, again.home, old))
        again.process.send_signal(signal.SIGINT)  # Ctrl-C after a restart
        assert again.process.wait(timeout=120) == 0
        wait_for(lambda: processes_of(again.home) == [], seconds=60)


def test_streamlit_alone_serves_with_one_worker_that_outlives_it(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    address = f"http://127.0.0.1:{port}"
    program = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    workers = []
    try:
        for _ in range(2):
            alone = subprocess.Popen(
                program, cwd=ROOT, env=os.environ | COLD | {"GRAFT_HOME": str(home)}
            )
            wait_for(lambda: answers(address))
            workers.append(processes_of(home, WORKER))
            alone.kill()
            alone.wait()
        assert len(workers[0]) == 1
        assert workers[1] == workers[0] == processes_of(home, WORKER)
    finally:
        for each in processes_of(home):
            each.kill()


def test_what_keeps_ending_is_started_a_few_times_and_then_told() -> None:
    started = []

    def start() -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"]))
        return started[-1]

    keeper = Keeper("web app", start, most_quick_ends=4)
    keeper.start()
    with pytest.raises(CannotStart, match=r"web app ended 4 times in a row.*code 7"):
        wait_for(lambda: keeper.look_after(), seconds=60)
    assert len(started) == 4


def test_what_cannot_start_for_a_while_is_started_later() -> None:
    tries = []

    def start() -> "subprocess.Popen[bytes]":
        tries.append(1)
        if len(tries) == 2:  # the first time it starts, and ends
            raise CannotStart("The database is away.")
        return subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1)

    keeper = Keeper("training worker", start)
    keeper.start()
    assert keeper.process is not None
    first = keeper.process
    first.kill()
    wait_for(lambda: keeper.look_after() or keeper.process is not first, seconds=60)
    assert len(tries) == 3
    keeper.process.kill()
    keeper.process.wait()
