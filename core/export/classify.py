# /// script
# requires-python = ">=3.11"
# dependencies = ["onnxruntime>=1.20", "pillow>=13", "numpy>=2"]
# ///
"""Say what is in images, write it in a table, and sort the images into a folder for each class.

    uv run classify.py photos "more/*.jpg" old.zip             one line an image
    uv run classify.py photos --csv answers.csv --xlsx answers.xlsx --json answers.json
    uv run classify.py photos --sort-into sorted --by move     copy, move or link
    uv run classify.py --undo sorted                           put everything back
    uv run classify.py photos --watch --sort-into sorted       what comes in, until Ctrl+C

Without uv: pip install onnxruntime "pillow>=13" numpy, then python classify.py …
Needs the other files of this folder beside it. Made by Graft; MODEL_CARD.md says what the model is
good for. It ends with 0 when all images could be read, 1 when some could not, 2 when none could.
"""

import argparse
import io
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
IMAGE_RULES = (1,)
"""Of model.json: how images are decoded and shrunk, where this script knows it."""
BATCH = 16
Row = dict[str, Any]
Runner = Callable[[np.ndarray], list[np.ndarray]]
sys.path.insert(0, str(HERE))  # for the modules beside this one, also with python -I
warnings.simplefilter("ignore")  # about broken metadata, which cost nothing


def load(file: Path, threads: int = 0) -> tuple[Runner, dict[str, Any]]:
    """What runs the graph, each time on so many threads (0: all), and what the file says about the
    model."""
    runner, text = _openvino(file) if file.suffix == ".xml" else _onnx(file, threads)
    about = json.loads(text)
    if about.get("image_rule", 1) not in IMAGE_RULES:
        raise SystemExit("This classify.py belongs to another model: export the model again.")
    return runner, about


def _onnx(file: Path, threads: int) -> tuple[Runner, str]:
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    text = session.get_modelmeta().custom_metadata_map["model.json"]
    return lambda pixels: session.run(None, {"pixels": pixels}), text


def _openvino(file: Path) -> tuple[Runner, str]:
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # nothing is reported
    import openvino

    network = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    text = file.with_name("model.json").read_text(encoding="utf-8")
    return lambda pixels: [network({"pixels": pixels})[output] for output in network.outputs], text


class Entry:
    """One image: a file, or one inside a ZIP."""

    def __init__(self, name: str, read: Callable[[], bytes], path: Path | None = None) -> None:
        self.name, self.read, self.path = name, read, path


def entries_of(names: Iterable[str], without: Path | None) -> Iterator[Entry | Row]:
    """Every image meant by files, folders, patterns and ZIPs, outside the folder `without`; a row
    with an error for what cannot be opened at all."""
    from image_kinds import files_of

    for name in files_of(list(names)):
        path = Path(name)
        if without and path.resolve().is_relative_to(without):
            continue
        if path.suffix.lower() == ".zip" and path.is_file():
            yield from _in_zip(path)
        else:
            yield Entry(name, partial(_content, path), path)


def _content(path: Path) -> bytes:
    from image_reading import MOST_BYTES, Refused

    with path.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Refused("The file is larger than 256 MB: save it smaller.")
    return content


def _in_zip(path: Path) -> Iterator[Entry | Row]:
    import zipfile

    from image_kinds import is_image_name

    try:
        archive = zipfile.ZipFile(path)
    except (OSError, ValueError, zipfile.BadZipFile):
        yield {"image": str(path), "error": "It is no ZIP or a damaged one: make it again."}
        return
    for info in archive.infolist():  # it stays open for as long as an entry is to be read
        parts = [part for part in info.filename.split("/") if part.strip(".")]
        is_hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
        if info.is_dir() or is_hidden or not is_image_name(info.filename):
            continue
        yield Entry(f"{path}/{info.filename}", partial(_unpacked, archive, info))


def _unpacked(archive: Any, info: Any) -> bytes:
    from image_reading import MOST_BYTES, Refused

    if info.flag_bits & 1:
        raise Refused("It is locked with a password: unpack the ZIP first.")
    with archive.open(info) as stream:
        content: bytes = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Refused("The file is larger than 256 MB: save it smaller.")
    return content


def pixels_of(about: dict[str, Any], entry: Entry) -> np.ndarray | str:
    """The square of an image, uint8 (size, size, 3), or why there is none."""
    from image_reading import rgb_of, square, why_unreadable

    p = about["preprocessing"]
    how = Image.Resampling[p["interpolation"].upper()]
    try:
        image = rgb_of(io.BytesIO(entry.read()), about["longest_side"])
        pixels: np.ndarray = np.asarray(square(image, p["size"], p["fit"], p["mean"], how))
        return pixels
    except Exception as error:  # noqa: BLE001  # damaged files throw anything
        return str(why_unreadable(error, entry.name))


def rows_of(
    run: Runner, about: dict[str, Any], found: Iterable[Entry | Row]
) -> Iterator[tuple[Row, Entry | None]]:
    """What is in each image, or why that cannot be said: a bad file costs only its own row."""
    rest = iter(found)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        while batch := list(islice(rest, BATCH)):
            entries = [each for each in batch if isinstance(each, Entry)]
            made = threads.map(partial(pixels_of, about), entries)
            prepared = dict(zip(entries, made, strict=True))
            squares = {e: p for e, p in prepared.items() if isinstance(p, np.ndarray)}
            outputs = run(np.stack(list(squares.values()))) if squares else []
            answers = dict(zip(squares, zip(*outputs, strict=True), strict=True))
            for each in batch:
                if isinstance(each, dict):
                    yield each, None
                elif each in answers:
                    yield {"image": each.name, **answer_of(about, *answers[each])}, each
                else:
                    yield {"image": each.name, "error": prepared[each]}, each


def answer_of(
    about: dict[str, Any], probabilities: np.ndarray, score: np.floating | None = None
) -> Row:
    """The likeliest class, the probability of each, and what else can be said."""
    tasks = about.get("tasks") or {"": about["classes"]}
    answers, first = {}, 0
    for task, classes in tasks.items():
        own = about["calibrations"].get(task, about)
        values = [float(value) for value in probabilities[first : first + len(classes)]]
        answers[task] = _answer(dict(zip(classes, values, strict=True)), own["conformal_threshold"])
        first += len(classes)
    row: Row = dict(next(iter(answers.values()))) | ({"tasks": answers} if about["tasks"] else {})
    if score is None:
        return row | {"ood": None, "ood_score": None}
    return row | {"ood": bool(score > about["unknown_threshold"]), "ood_score": float(score)}


def _answer(probabilities: dict[str, float], threshold: float | None) -> Row:
    ranked = sorted(probabilities, key=lambda name: -probabilities[name])
    inside = None
    if threshold is not None:
        inside = [ranked[0], *(name for name in ranked[1:] if probabilities[name] >= threshold)]
    return {"label": ranked[0], "probabilities": probabilities, "prediction_set": inside}


def line_of(row: Row) -> str:
    """A row for people."""
    answers = row.get("tasks") or {"": row}
    line = row.get("error") or ", ".join(
        f"{each['label']} ({each['probabilities'][each['label']]:.0%})" for each in answers.values()
    )
    strange = "unknown, perhaps " if row.get("ood") else ""
    line = f"{row['image']}: {strange}{line}"
    return "".join(c if c.isprintable() else "?" for c in line)


def say(line: str) -> None:
    """Print a line, whatever letters it has."""
    sys.stdout.buffer.write(f"{line}\n".encode(sys.stdout.encoding or "utf-8", "replace"))
    sys.stdout.buffer.flush()


def classify(chosen: argparse.Namespace) -> int:
    """Go through all images; write the tables also when it is broken off."""
    from classify_sorting import Sorter
    from classify_tables import write_tables
    from classify_watching import new_files

    run, about = load(chosen.model)
    sorter = Sorter(chosen.sort_into, chosen.by) if chosen.sort_into else None
    without = chosen.sort_into.resolve() if chosen.sort_into else None
    rows: list[Row] = []

    def go_through(names: Iterable[str]) -> None:
        for row, entry in rows_of(run, about, entries_of(names, without)):
            rows.append(row)
            if sorter and entry and "error" not in row:
                sorter.put(row, entry.path, entry.read)
            if not chosen.quiet:
                say(line_of(row))

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service is ended so
    try:
        if chosen.watch:
            for names in new_files(chosen.images, chosen.every, without):
                go_through(names)
                write_tables(rows, chosen)
        else:
            go_through(chosen.images)
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        write_tables(rows, chosen)
    failed = sum("error" in row for row in rows)
    return 0 if not failed else 2 if failed == len(rows) else 1


def main() -> int:
    """Do what the arguments say."""
    arguments = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\n")[0],
        epilog=(__doc__ or "").partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    beside = HERE / "model.onnx"
    beside = beside if beside.exists() else HERE / "model.xml"
    add = arguments.add_argument
    add("images", nargs="*", metavar="IMAGE", help='a file, a folder, "*.jpg" or a ZIP')
    add("--csv", metavar="FILE", help="write a table; - prints it")
    add("--xlsx", type=Path, metavar="FILE", help="write an Excel workbook")
    add("--json", metavar="FILE", help="write everything as JSON; - prints it")
    add("--sort-into", type=Path, metavar="FOLDER", help="sort the images into it, by class")
    add("--by", choices=("copy", "move", "link"), default="copy", help="default: copy")
    add("--undo", type=Path, metavar="FOLDER", help="take back what was sorted into it")
    add("--watch", action="store_true", help="go on with what comes into the folders")
    add("--every", type=float, default=2.0, metavar="SECONDS", help="look so often; default: 2")
    add("--model", type=Path, default=beside, metavar="FILE", help="default: the one beside")
    chosen = arguments.parse_args()
    chosen.quiet = "-" in (chosen.csv, chosen.json)
    if chosen.undo:
        from classify_sorting import undo

        return int(undo(chosen.undo, say))
    if not chosen.images:
        arguments.error("name an image, a folder, a pattern or a ZIP")
    return classify(chosen)


if __name__ == "__main__":
    sys.exit(main())
