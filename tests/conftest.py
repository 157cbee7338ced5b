"""Makes the modules beside this file importable from every test folder; parts the work."""

from typing import Any

import pytest


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
