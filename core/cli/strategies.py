"""`strategies`: the ways to transfer what a network knows, with their options."""

import json
from argparse import Namespace
from dataclasses import asdict
from typing import Any

from core.cli._command import Command
from core.cli._terminal import Terminal
from core.settings import Settings

_TYPICAL = (300, 5, "cnn")
"""Defaults of options depend on the images; a list shows them for a small, ordinary set."""


def strategies(_: Namespace, __: Settings, terminal: Terminal) -> int:
    """Every strategy there is, with its options."""
    from core.strategies import strategies as known
    from core.transfer.option_info import describe

    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "title": strategy.title,
            "term": strategy.term,
            "advice": strategy.advice,
            "hurts": strategy.hurts,
            "cost": strategy.cost,
            "layers": strategy.layers,
            "needs": sorted(strategy.needs),
            "options": [asdict(option) for option in describe(strategy, *_TYPICAL)],
        }
        for name, strategy in known().items()
    ]
    terminal.result(rows, "\n".join(_text(row) for row in rows))
    return 0


def _text(row: dict[str, Any]) -> str:
    from core.transfer.strategy import NEEDS

    options = "".join(
        f"\n    --set {option['name']}={_shown(option['default'])}  {option['title']}"
        f"{', ' if option['range'] else ''}{option['range']}"
        for option in row["options"]
    )
    needs = "".join(f" Needs {NEEDS[need][1]}." for need in row["needs"])
    return (
        f"{row['name']}: {row['title']} ({row['term']}). {row['advice']} "
        f"Takes {row['cost']}. When it hurts: {row['hurts']}{needs}{options}"
    )


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


COMMAND = Command(
    "list the training methods (strategies) with their options",
    ("strategies",),
    strategies,
    order=12,
)
