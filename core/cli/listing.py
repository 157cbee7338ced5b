"""What there is to choose from: samples, backbones, strategies."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.cli.terminal import Terminal
from core.errors import NotFound
from core.settings import Settings

_TYPICAL = (300, 5, "cnn")
"""Defaults of options depend on the pictures; a list shows them for a small, ordinary set."""


def samples(terminal: Terminal) -> int:
    """The sample sets that can be written to a folder."""
    from core.dataset.samples import SAMPLES

    rows = [asdict(sample) for sample in SAMPLES.values()]
    lines = [
        f"{row['name']}: {row['title']}. {row['advice']}\n"
        f"    Source: {row['source']}. Licence: {row['licence']}"
        for row in rows
    ]
    terminal.result(rows, "\n".join(lines))
    return 0


def write_sample(name: str, folder: Path, terminal: Terminal) -> int:
    """Write a sample as a folder of class folders."""
    from core.dataset import samples as module

    if name not in module.SAMPLES:
        raise NotFound(f"No sample is called “{name}”. There are: {', '.join(module.SAMPLES)}.")
    written = module.write_sample(name, folder)
    counts = {
        path.name: sum(1 for file in path.iterdir() if file.is_file())
        for path in sorted(written.iterdir())
        if path.is_dir()
    }
    document = {"sample": name, "folder": str(written), "images": sum(counts.values())}
    shown = ", ".join(f"{count} of {label}" for label, count in counts.items())
    terminal.result(
        {**document, "classes": counts},
        f"{document['images']} pictures in {written}: {shown}.",
    )
    return 0


def backbones(settings: Settings, terminal: Terminal) -> int:
    """The catalogue of pretrained networks, and where the weights of each come from."""
    from core.backbones.catalogue import CATALOGUE, availability

    rows = [
        asdict(backbone) | {"available": availability(backbone, settings)}
        for backbone in CATALOGUE.values()
    ]
    lines = [
        f"{row['name']}: {row['title']}, {row['parameters'] / 1e6:.1f} million parameters, "
        f"{row['size']} px, weights {row['licence']} ({row['available']})\n    {row['advice']}"
        for row in rows
    ]
    terminal.result(rows, "\n".join(lines))
    return 0


def strategies(terminal: Terminal) -> int:
    """The ways to transfer what a network knows, with their options."""
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
    terminal.result(rows, "\n".join(_strategy_text(row) for row in rows))
    return 0


def _strategy_text(row: dict[str, Any]) -> str:
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
