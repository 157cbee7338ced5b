"""The files of an exported model, and the ZIP made of them: the same files give the same bytes."""

import shutil
import zipfile
from pathlib import Path

from core.analysis import prediction_rows
from core.dataset.ingest import colour, kinds
from core.files import replaced

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a ZIP can hold: real times would make every export different."""

REQUIREMENTS = "torch>=2.7\ntimm>=1.0.20,<2\nsafetensors>=0.5\npillow>=13\nnumpy>=2\n"
FOR_SOME_FILES = "pi-heif>=1.0\ntifffile>=2024.8\n"
"""What the scripts need for HEIC and for TIFF of many channels."""

_HERE = Path(__file__).parent
_READING = {
    "image_reading.py": _HERE / "image_reading.py",
    "image_kinds.py": Path(kinds.__file__),
    "image_colours.py": Path(colour.__file__),
}
PREDICT = {"predict.py": _HERE / "predict.py", **_READING}
"""The scripts beside a model for torch, by their names there."""
CLASSIFY = {
    "classify.py": _HERE / "classify.py",
    "classify_sorting.py": _HERE / "classify_sorting.py",
    "classify_tables.py": _HERE / "classify_tables.py",
    "classify_watching.py": _HERE / "classify_watching.py",
    "prediction_rows.py": Path(prediction_rows.__file__),
    **_READING,
}
"""The scripts beside a graph."""
SERVER = {
    **{path.name: path for path in sorted((_HERE / "model_server").glob("server*.py"))},
    **CLASSIFY,
}
"""The scripts of the server, which reads images and tells answers as classify.py does."""
SERVER_REQUIREMENTS = "starlette>=0.46\nuvicorn>=0.34\npython-multipart>=0.0.20\n"
_LICENCE = _HERE.parents[1] / "LICENSE"


def put_predict(folder: Path) -> None:
    """Put predict.py and what it needs into the folder."""
    for name, source in PREDICT.items():
        shutil.copyfile(source, folder / name)
    (folder / "requirements.txt").write_text(REQUIREMENTS + FOR_SOME_FILES, encoding="utf-8")


def put_classify(folder: Path, engine: str) -> None:
    """Put classify.py and what it needs into the folder; `engine` is the package that runs the
    graph there, with its version."""
    for name, source in CLASSIFY.items():
        shutil.copyfile(source, folder / name)
    script = folder / "classify.py"
    name = engine.partition(">")[0]
    content = script.read_text(encoding="utf-8")
    content = content.replace('"onnxruntime>=1.20"', f'"{engine}"', 1)
    content = content.replace("pip install onnxruntime", f"pip install {name}", 1)
    script.write_text(content, encoding="utf-8")
    _put_needs(folder, engine)


def put_server(folder: Path) -> None:
    """Put server.py and the files that it needs into the folder, which may be there already."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in SERVER.items():
        shutil.copyfile(source, folder / name)


def put_server_requirements(folder: Path, engine: str) -> None:
    """Put what server.py needs beside it, and the licence of its files."""
    _put_needs(folder, engine, SERVER_REQUIREMENTS)


def _put_needs(folder: Path, engine: str, more: str = "") -> None:
    """What scripts beside a graph need, and the licence of their files."""
    needs = f"{engine}\npillow>=13\nnumpy>=2\n{more}{FOR_SOME_FILES}"
    (folder / "requirements.txt").write_text(needs, encoding="utf-8")
    shutil.copyfile(_LICENCE, folder / "LICENSE.txt")


def write_zip(folder: Path, file: Path) -> None:
    """All files below `folder` as a ZIP, whole or not at all. Weights do not shrink: stored."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced(file) as draft:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                _add(archive, path, path.relative_to(folder).as_posix())
        draft.chmod(0o644)


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3  # Unix, wherever it is made, so that the bytes are the same
    entry.external_attr = 0o100644 << 16
    entry.file_size = path.stat().st_size
    with path.open("rb") as source, archive.open(entry, "w") as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
