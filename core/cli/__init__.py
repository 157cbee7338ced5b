"""Which commands there are: every file here without an underscore is one, found by its name.

A command owns its parser and its example; `_command` says what else it is.
"""

from functools import cache

from core.cli._command import Command
from core.registry import modules_of


@cache
def commands() -> dict[str, Command]:
    """Every command by the name of its file, "_" being "-", in the order of `--help`."""
    modules = modules_of(__name__, __path__)
    found = {name.replace("_", "-"): module.COMMAND for name, module in modules.items()}
    return dict(sorted(found.items(), key=lambda pair: (pair[1].order, pair[0])))
