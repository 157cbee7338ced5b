"""Graft's training package: everything but the screen. What pages may use is in `__all__`.

Names are imported on first use (PEP 562), so that the web process never loads what only the
worker needs.
"""

from importlib import import_module
from typing import Any

_HOME_OF = {
    "GraftError": "core.errors",
    "BadRecipe": "core.errors",
    "NotFound": "core.errors",
    "Settings": "core.settings",
    "get_settings": "core.settings",
    "Recipe": "core.training.recipe",
    "events": "core.training",
}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    module = import_module(_HOME_OF[name])
    return getattr(module, name, None) or import_module(f"{_HOME_OF[name]}.{name}")


def __dir__() -> list[str]:
    return __all__
