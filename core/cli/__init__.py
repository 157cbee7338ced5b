"""Which commands there are: every file here without an underscore is one, found by its name.

A command owns its parser and its example; `_command` says what else it is.
"""

import importlib
import pkgutil
from functools import cache

from core.cli._command import Command


@cache
def commands() -> dict[str, Command]:
    """Every command by the name of its file, "_" being "-", in the order of `--help`."""
    modules = [
        importlib.import_module(f"{__name__}.{m.name}")
        for m in pkgutil.iter_modules(__path__)
        if not m.name.startswith("_")
    ]
    found = {
        module.__name__.rpartition(".")[2].replace("_", "-"): module.COMMAND for module in modules
    }
    return dict(sorted(found.items(), key=lambda pair: (pair[1].order, pair[0])))
