"""`samples`: sets of images to try things out with."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from core.cli._command import Command, program
from core.cli._terminal import Terminal
from core.errors import BadRecipe, NotFound
from core.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="which sample to write")
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="where to write it")


def _run(chosen: Namespace, _: Settings, terminal: Terminal) -> int:
    if chosen.name is None:
        return samples(terminal)
    if chosen.folder is None:
        raise BadRecipe(f"Name a folder: {program()} samples {chosen.name} DIR")
    return write_sample(chosen.name, chosen.folder, terminal)


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
        f"{document['images']} images in {written}: {shown}.",
    )
    return 0


COMMAND = Command(
    "list the samples, or write one to a folder",
    ("samples", "samples emoji images"),
    _run,
    _add_arguments,
    order=10,
)
