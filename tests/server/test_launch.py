"""Starting and stopping the product as a whole, with the real programs."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from running_server import free_port

from core.errors import GraftError
from core.jobs.lock import worker_alive
from core.server import launch
from core.settings import Settings, get_settings
from core.web.origin import host_allowed

ROOT = Path(launch.__file__).parents[2]


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.1)


def workers_of(home: Path) -> list[psutil.Process]:
    """The worker processes that serve this home."""
    found = {}
    for process in psutil.process_iter(["cmdline", "ppid"]):
        if "core.jobs.worker" in (process.info["cmdline"] or []):
            try:
                if process.environ().get("GRAFT_HOME") == str(home):
                    found[process.pid] = process
            except psutil.Error:
                continue
    # What a worker starts looks like the worker itself until it has become another program.
    return [process for process in found.values() if process.info["ppid"] not in found]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A home and a free port of the test's own; no worker is left behind."""
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GRAFT_PORT", str(free_port()))
    monkeypatch.setenv("GRAFT_WARM", "0")  # no job comes
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()
    for worker in workers_of(tmp_path / "home"):
        worker.kill()


def serve(settings: Settings) -> "subprocess.Popen[str]":
    code = (
        "import sys, core.server.launch as l; from core.settings import get_settings;"
        "sys.exit(l.serve(get_settings()))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def answers(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.port}/_stcore/health", timeout=20):
            return True
    except OSError:
        return False


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_command_starts_everything_and_a_signal_stops_it(
    settings: Settings, number: signal.Signals
) -> None:
    process = serve(settings)
    assert process.stdout is not None
    assert process.stdout.readline() == f"Graft is open at http://127.0.0.1:{settings.port}\n"
    assert answers(settings)
    [worker] = workers_of(settings.home)
    worker.kill()  # and another one comes by itself
    # Whoever asks whether one is alive holds its lock for a blink: what counts is a new process.
    wait_for(lambda: set(workers_of(settings.home)) - {worker} and worker_alive(settings.home))
    process.send_signal(number)
    assert process.wait(timeout=120) == 0
    assert not answers(settings)
    assert not worker_alive(settings.home)
    assert workers_of(settings.home) == []


@pytest.mark.skipif(os.name != "posix", reason="kill -9 as on POSIX")
def test_when_the_parent_is_killed_web_and_worker_end_too(settings: Settings) -> None:
    process = serve(settings)
    assert process.stdout is not None
    process.stdout.readline()
    children = psutil.Process(process.pid).children()
    assert len(children) == 2
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=120)
    assert alive == []
    assert not answers(settings)
    assert not worker_alive(settings.home)


def test_the_server_answers_to_this_machine_and_the_names_that_are_given(
    settings: Settings,
) -> None:
    given = settings.model_copy(
        update={"host": "0.0.0.0", "allowed_hosts": "graft.example.org, 10.0.0.7"}
    )
    own = ["localhost", "127.0.0.1", "[::1]", "::1"]
    assert launch._names(settings) == own
    assert launch._names(given) == [*own, socket.gethostname(), "graft.example.org", "10.0.0.7"]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:9"),
        ("0.0.0.0", "http://127.0.0.1:9"),
        ("::", "http://[::1]:9"),
        ("::1", "http://[::1]:9"),
        ("fd00::7", "http://[fd00::7]:9"),
        ("graft.example.org", "http://graft.example.org:9"),
    ],
)
def test_it_is_told_where_it_is_open_and_answers_to_that(
    settings: Settings, host: str, address: str
) -> None:
    given = settings.model_copy(update={"host": host, "port": 9})
    assert launch._address(given) == address
    assert host_allowed(address.removeprefix("http://"), launch._names(given))


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
def test_the_web_app_answers_to_a_name_that_is_allowed_and_to_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFT_ALLOWED_HOSTS", "graft.example.org")
    process = serve(settings)
    assert process.stdout is not None
    process.stdout.readline()
    found = {}
    for name in ("graft.example.org", "evil.example"):
        address = f"http://127.0.0.1:{settings.port}/_stcore/health"
        request = urllib.request.Request(address, headers={"Host": name})
        try:
            found[name] = urllib.request.urlopen(request, timeout=60).status
        except urllib.error.HTTPError as error:
            found[name] = error.code
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=120)
    assert found == {"graft.example.org": 200, "evil.example": 400}


def test_a_taken_port_is_told_with_the_remedy(settings: Settings) -> None:
    with socket.socket() as other:
        other.bind((settings.host, settings.port))
        other.listen()
        with pytest.raises(GraftError, match=f"GRAFT_PORT={settings.port + 1}"):
            launch.serve(settings)
    assert not worker_alive(settings.home)


def test_many_who_want_a_worker_get_one(settings: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(launch.ensure_worker, [settings] * 4))
    [worker] = workers_of(settings.home)
    launch.ensure_worker(settings)
    assert workers_of(settings.home) == [worker]
    assert os.getsid(worker.pid) == worker.pid != os.getsid(0)


def test_a_worker_that_cannot_start_is_told_with_its_log(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch.sys, "executable", "/bin/false")
    with pytest.raises(GraftError, match=r"worker\.log"):
        launch.ensure_worker(settings)


def test_all_settings_reach_the_processes(settings: Settings) -> None:
    given = settings.model_copy(update={"offline": True, "weights": Path("/a b")})
    environment = launch._environment(given)
    assert environment["GRAFT_OFFLINE"] == "True"
    assert environment["GRAFT_WEIGHTS"] == "/a b"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        assert Settings() == given
