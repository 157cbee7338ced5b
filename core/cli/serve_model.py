"""`serve-model`: a model as a web server."""

import re
import signal
import subprocess
import sys
import tempfile
import zipfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from core.cli._command import Command
from core.cli._runs import require_run
from core.cli._terminal import Terminal
from core.errors import BadInput
from core.events import Note
from core.settings import Settings

_GRAPH = "model.onnx"
_NONE = (
    "There is no model.onnx in “{}”. Export the model with --format server or classify, or name "
    "its run."
)


def _add_arguments(parser: ArgumentParser) -> None:
    from core.export.model_server.server import add_options

    parser.add_argument(
        "model",
        type=Path,
        metavar="MODEL",
        help="a run (its folder, or its id), or what was exported as server, classify or onnx",
    )
    add_options(parser)


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.export.bundle import put_server
    from core.export.model_server.server import OPTIONS

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service is ended so
    with tempfile.TemporaryDirectory() as space:
        folder = Path(space)
        graph = graph_of(chosen.model, folder, settings, terminal)
        put_server(folder)
        given = {flag: getattr(chosen, flag[2:].replace("-", "_")) for flag, *_ in OPTIONS}
        words = [word for flag, value in given.items() for word in (flag, str(value))]
        script, model = str(folder / "server.py"), ("--model", str(graph))
        # A process of its own, without all that this one has loaded; it ends when this one does.
        server = subprocess.Popen(
            [sys.executable, "-I", "-B", script, *model, *words, "--with-parent"],
            stdin=subprocess.PIPE,
        )
        try:
            return server.wait()
        finally:
            server.communicate()


def graph_of(model: Path, folder: Path, settings: Settings, terminal: Terminal) -> Path:
    """The ONNX file of a run or an export; written where there is none yet, unpacked into `folder`
    where it is in a ZIP. Raises NotFound, BadInput."""
    if model.is_file():
        return _unpacked(model, folder, settings) if model.suffix.lower() == ".zip" else model
    if not model.exists() and re.fullmatch("[0-9a-f]{16}", model.name):
        model = settings.home / "runs" / model.name
    require_run(model)
    for pattern in (_GRAPH, f"model-repository/*/1/{_GRAPH}", f"*/model-repository/*/1/{_GRAPH}"):
        if found := sorted(model.glob(pattern)):
            return found[0]
    return _written(model, settings, terminal)


def _unpacked(archive: Path, folder: Path, settings: Settings) -> Path:
    try:
        with zipfile.ZipFile(archive) as opened:
            names = [name for name in opened.namelist() if Path(name).name == _GRAPH]
            if not names or opened.getinfo(names[0]).file_size > settings.max_unpacked_bytes:
                raise BadInput(_NONE.format(archive))
            parts = Path(names[0]).parts
            name = parts[-3] if parts[-2:-1] == ("1",) and len(parts) > 2 else "model"
            info = opened.getinfo(names[0])
            info.filename = f"repository/{name}/1/{_GRAPH}"
            return Path(opened.extract(info, folder))
    except zipfile.BadZipFile as error:
        raise BadInput(
            f"“{archive}” is no ZIP, or a damaged one. Export the model again."
        ) from error


def _written(run: Path, settings: Settings, terminal: Terminal) -> Path:
    """By a process of its own: what that loads shall not stay while the server runs."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    from core.export.served_graph import served_graph, write_served_graph

    if found := served_graph(run, settings):
        return found
    terminal.event(Note("Getting the model ready"))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(write_served_graph, run, settings).result()


COMMAND = Command(
    "answer over HTTP what is in images: KServe, Custom Vision and plain requests",
    ("serve-model run", "serve-model model.zip --port 9000"),
    _run,
    _add_arguments,
    order=43,
)
