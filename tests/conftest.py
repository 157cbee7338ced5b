"""Makes the modules beside this file importable from every test folder; parts the work."""

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    """Where two processes share the tests, a file stays whole, and all browser tests go to one:
    two browsers with their servers at once would leave nothing to the others."""
    folder, file = item.path.parent.name, item.path.stem
    item.add_marker(pytest.mark.xdist_group("browser" if folder == "browser" else file))
