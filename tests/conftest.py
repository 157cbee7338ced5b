"""Makes the modules beside this file importable from every test folder; parts the work."""

import gc
import os
import tempfile
from typing import Any

import hypothesis
import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Threads of two processes that share the cores wait for each other, and a wait is not free:
    # with one thread each the tests take half of the processor's time.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

if "GRAFT_CONVERTED" not in os.environ:
    # To convert a network takes three seconds, and hundreds of tests begin with an empty home. The
    # processes that share the tests inherit this, and the first of all removes it in the end.
    _CONVERTED = tempfile.TemporaryDirectory(prefix="graft-tests-", ignore_cleanup_errors=True)
    os.environ["GRAFT_CONVERTED"] = _CONVERTED.name

# The same examples every time, so that a failure belongs to the change at hand; and how long one
# takes says more about the machine than about the code.
hypothesis.settings.register_profile(
    "graft",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("graft")


def pytest_collection_finish() -> None:
    """All modules are loaded: no search for garbage need walk through them again, which would take
    a tenth of the time of tests that compute."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where two processes share the tests, a file stays whole, and all browser tests go to one:
    two browsers with their servers at once would leave nothing to the others."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = "tests/browser"
            return folder if nodeid.startswith(folder) else str(super()._split_scope(nodeid))

    return ByFile(config, log)
