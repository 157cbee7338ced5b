# /// script
# requires-python = ">=3.11"
# dependencies = ["onnxruntime>=1.20", "pillow>=13", "numpy>=2", "starlette>=0.46",
#   "uvicorn>=0.34", "python-multipart>=0.0.20", "pi-heif>=1.0", "tifffile>=2024.8"]
# ///
"""Answer over HTTP what is in images.

    uv run server.py                                 at http://127.0.0.1:8080, with a page at /docs
    GRAFT_TOKEN=… uv run server.py --host 0.0.0.0    for other machines, with a password
    curl --data-binary @cat.jpg http://127.0.0.1:8080/predict
    curl -F a=@cat.jpg -F b=@cup.png http://127.0.0.1:8080/predict

Without uv: pip install -r requirements.txt, then python server.py …
Needs the other files of this folder beside it. Made by Graft; MODEL_CARD.md says what the model is
good for. GRAFT_TOKEN is what every request must then bear: Authorization: Bearer …
"""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = "model-repository"
"""Where the graph lies in an export, as Triton and OpenVINO Model Server want it:
`model-repository/<name>/1/model.onnx`."""
OPTIONS: tuple[tuple[str, str | int | float, str, str], ...] = (
    ("--host", "127.0.0.1", "ADDRESS", "where to listen; 0.0.0.0 lets other machines in"),
    ("--port", 8080, "N", "the port; 0: any free one"),
    ("--name", "", "NAME", "what the model is called in addresses; by default as its folder"),
    ("--allowed-hosts", "", "NAMES", "more names of this server, separated by commas"),
    ("--max-megabytes", 64, "N", "of one request"),
    ("--max-images", 64, "N", "in one request"),
    ("--max-megapixels", 100, "N", "of one image"),
    ("--max-in-flight", 32, "N", "requests at once; others are told to come back"),
    ("--timeout", 60.0, "SECONDS", "that a request may take"),
    ("--idle", 0.0, "SECONDS", "end after so long without a request; 0: never"),
)
"""Of this script, and of `graft serve-model`, which hands them on: flag, default, unit, meaning."""
_GOODBYE_SECONDS = 10.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let the parser take all of OPTIONS."""
    for flag, default, unit, about in OPTIONS:
        usual = f"; default: {default}" if default else ""
        parser.add_argument(
            flag, type=type(default), default=default, metavar=unit, help=about + usual
        )


def model_beside() -> Path:
    """The graph of this folder."""
    found = sorted((HERE / REPOSITORY).glob("*/1/model.onnx"))
    return found[0] if found else HERE / "model.onnx"


def _name_of(model: Path) -> str:
    folder = model.resolve().parent
    return folder.parent.name if folder.name == "1" else "model"


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(_GOODBYE_SECONDS)
    os._exit(1)


def main() -> int:
    """Serve until a signal."""
    sys.path.insert(0, str(HERE))  # for the modules beside this one, also with python -I
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\n")[0],
        epilog=(__doc__ or "").partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    parser.add_argument(
        "--model", type=Path, default=model_beside(), metavar="FILE", help="default: the one beside"
    )
    parser.add_argument(
        "--with-parent", action="store_true", help="end when the standard input is closed"
    )
    chosen = parser.parse_args()
    if not chosen.model.is_file():
        parser.error(f"there is no model at {chosen.model}: name one with --model")
    chosen.name = chosen.name or _name_of(chosen.model)
    if chosen.with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    from server_app import serve

    return int(serve(chosen, os.environ.get("GRAFT_TOKEN", "")))


if __name__ == "__main__":
    sys.exit(main())
