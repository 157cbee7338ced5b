"""Packages in which every file adds one thing: a strategy, a check, a command, a job, a format."""

import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType


def modules_of(package: str, path: Iterable[str]) -> dict[str, ModuleType]:
    """The modules of a package by their names, sorted; those with an underscore are its own help.

    `package` and `path` are its `__name__` and `__path__`: a folder added to the path adds its
    files.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(path))
    return {
        name: importlib.import_module(f"{package}.{name}")
        for name in names
        if not name.startswith("_")
    }
