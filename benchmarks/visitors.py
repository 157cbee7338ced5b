"""How many people a server bears: `make bench ARGS=visitors`, some ten minutes.

A project of 500 images with its first model, as an import leaves it, in web processes that a person
would start (`graft web`) beside one worker. Each of `_PEOPLE` walks all of its pages, in an order
of her own, and looks at each for `_LOOK` seconds, give or take half. Before them, one person
does the same alone. A view lasts from the address to the last image in sight: `benchmarks.window`
speaks Streamlit's protocol, no browser draws anything, and what drawing takes is not in it.

Then nobody looks any longer, `_CROWD` windows ask for one page after the other, and the views in
`_SECONDS` are counted: of one web process, and of two, where each window stays with one of them as
a proxy would have it. Two can only do twice as much where there are processors for both and for
whoever asks, so how many there are, and what the asking took, stands beside it.

`GRAFT_BENCH_PEOPLE=3` and `GRAFT_BENCH_SECONDS=10` make it short.
"""

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

import psutil

from benchmarks.pages import filled
from benchmarks.window import Window

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT / "tests"))

_PEOPLE = int(os.environ.get("GRAFT_BENCH_PEOPLE", "20"))
_SECONDS = float(os.environ.get("GRAFT_BENCH_SECONDS", "60"))
_ROUNDS = 3
_LOOK = 5.0
_CROWD = 8
_PAGES = ("images", "check-data", "map", "label", "versions", "train", "results", "use")
_MIB = 2**20


def main() -> dict[str, Any]:
    """95th percentiles in seconds of each page and of all, for one person and for all at once; MiB
    of the web process; views a second of one and of two web processes."""
    from running_server import webs

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        (project,) = filled(home, Path(folder), sizes=(500,)).values()
        with _worker(home):
            with webs(home, 1) as servers:
                (server,) = servers
                web = psutil.Process(server.process.pid)
                asyncio.run(_walked(server.address, project, 1, rounds=1))  # whatever is done once
                result = {"MiB of the web process": {"after the first walk": _mib(web)}}
                for people in (1, _PEOPLE):
                    seconds = asyncio.run(_walked(server.address, project, people))
                    said = f"{people} {'person' if people == 1 else 'people'}"
                    result[f"{said}, p95 s"] = _p95(seconds)
                    result["MiB of the web process"][f"after {said}"] = _mib(web)
                one = _saturated([server.address], project)
            with webs(home, 2) as servers:
                two = _saturated([each.address for each in servers], project)
    return result | {
        "slower, times": round(
            result[f"{_PEOPLE} people, p95 s"]["all"] / result["1 person, p95 s"]["all"], 2
        ),
        "1 web process": one,
        "2 web processes": two,
        "views, times": round(two["views a second"] / one["views a second"], 2),
        "processors": os.cpu_count(),
    }


@contextmanager
def _worker(home: Path) -> Iterator[None]:
    """The worker of this home, for what pages have done in the background."""
    with (home / "worker.txt").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "core", "worker"],
            cwd=_ROOT,
            env=os.environ | {"GRAFT_HOME": str(home), "GRAFT_OFFLINE": "1"},
            stdout=out,
            stderr=out,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()


async def _walked(
    address: str, project: str, people: int, rounds: int = _ROUNDS
) -> dict[str, list[float]]:
    """Seconds of each view, by page."""
    seconds: dict[str, list[float]] = {page: [] for page in _PAGES}

    async def walk(person: int) -> None:
        chance = random.Random(person)
        async with Window(address, project) as window:
            await asyncio.sleep(chance.uniform(0, _LOOK))
            for _ in range(rounds):
                for page in chance.sample(_PAGES, len(_PAGES)):
                    seconds[page].append(await window.view(page))
                    await window.look(chance.uniform(_LOOK / 2, _LOOK * 1.5))

    await asyncio.gather(*map(walk, range(people)))
    return seconds


def _p95(seconds: dict[str, list[float]]) -> dict[str, float]:
    every = {"all": [second for each in seconds.values() for second in each]}
    return {
        page: round(quantiles(found, n=20, method="inclusive")[-1], 2)
        for page, found in (seconds | every).items()
    }


def _saturated(addresses: list[str], project: str) -> dict[str, float]:
    """Views a second, and what of one processor those took who asked."""
    asyncio.run(_asked(addresses, project, 0.0))  # so that each process has shown each page
    began, before = time.monotonic(), time.process_time()
    views = asyncio.run(_asked(addresses, project, _SECONDS))
    lasted = time.monotonic() - began
    return {
        "views a second": round(views / lasted, 2),
        "processors for asking": round((time.process_time() - before) / lasted, 2),
    }


async def _asked(addresses: list[str], project: str, seconds: float) -> int:
    """How many views there were in so many seconds, by all windows; at least one of each page for
    each window."""
    until = time.monotonic() + seconds

    async def ask(window: Window, number: int) -> int:
        views, pages = 0, random.Random(number).sample(_PAGES, len(_PAGES))
        while views < len(pages) or time.monotonic() < until:
            await window.view(pages[views % len(pages)])
            views += 1
        return views

    async with AsyncExitStack() as after:
        windows = [
            await after.enter_async_context(Window(addresses[n % len(addresses)], project))
            for n in range(_CROWD)
        ]
        return sum(await asyncio.gather(*(ask(each, n) for n, each in enumerate(windows))))


def _mib(process: psutil.Process) -> int:
    return round(process.memory_full_info().uss / _MIB)
