"""`backbones`: the pretrained networks there are."""

from argparse import Namespace
from dataclasses import asdict

from core.cli._command import Command
from core.cli._terminal import Terminal
from core.settings import Settings


def backbones(_: Namespace, settings: Settings, terminal: Terminal) -> int:
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


COMMAND = Command("list the pretrained networks", ("backbones",), backbones, order=11)
