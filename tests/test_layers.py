"""Imports run one way: app, pages, core; and inside core from the command line to the ground."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import core

ROOT = Path(core.__file__).parents[1]
CORE = sorted((ROOT / "core").rglob("*.py"))

# The tree of core, a row for each room, from the ground up: a module may import from its own row
# and from those above it in this list.
ROOMS = (
    (
        *("errors", "settings", "files", "events", "recipe", "devices", "seeding"),
        *("telemetry", "faults", "tensors", "logs", "process", "sandbox", "registry", "language"),
        "log_form",
    ),
    ("storage",),
    ("dataset",),
    ("backbones",),
    ("features",),
    ("transfer",),
    ("strategies",),
    ("checks",),
    ("evaluation",),
    ("model", "model_description"),
    ("training",),
    ("pretraining_analysis",),
    ("analysis",),
    ("export",),
    ("access", "projects"),
    ("people",),
    ("field",),
    ("jobs",),
    ("backup",),
    ("web",),
    ("server",),
    ("cli", "__main__"),
)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Every module or name that a file imports, also inside functions, as one dotted name."""
    package = module_name(path).split(".")
    package = package if path.name == "__init__.py" else package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = node.module or ""
            if node.level:
                home = ".".join([*package[: len(package) - node.level + 1], home]).strip(".")
            yield from (f"{home}.{alias.name}" for alias in node.names)


def row(name: str) -> int | None:
    """The number of the row that a module of core belongs to; None for core itself."""
    room = name.removeprefix("core.").split(".")[0]
    return next((number for number, rooms in enumerate(ROOMS) if room in rooms), None)


def test_the_rooms_of_core_are_exactly_these() -> None:
    tracked = {path.relative_to(ROOT / "core").parts[0].removesuffix(".py") for path in CORE}
    assert tracked - {"__init__"} == {room for rooms in ROOMS for room in rooms}


@pytest.mark.parametrize("path", CORE, ids=module_name)
def test_core_imports_run_one_way(path: Path) -> None:
    mine = row(module_name(path))
    if mine is None:
        return
    ours = [name for name in imports(path) if name.startswith("core.")]
    assert [name for name in ours if (theirs := row(name)) is None or theirs > mine] == []


@pytest.mark.parametrize("path", CORE, ids=module_name)
def test_no_two_modules_of_core_import_each_other(path: Path) -> None:
    # Imports inside functions count, too: they only hide a circle.
    graph = import_graph()
    start = module_name(path)
    seen, ahead = set[str](), list(graph[start])
    while ahead:
        name = ahead.pop()
        assert name != start
        if name not in seen:
            seen.add(name)
            ahead += graph[name]


@cache
def import_graph() -> dict[str, set[str]]:
    """For each module of core those that it imports; a package is what its __init__ does."""
    names = {module_name(path) for path in CORE}
    return {
        module_name(path): {
            target
            for name in imports(path)
            if (target := name if name in names else name.rpartition(".")[0]) in names
        }
        for path in CORE
    }


@pytest.mark.parametrize("path", CORE, ids=module_name)
def test_core_never_imports_streamlit(path: Path) -> None:
    assert [name for name in imports(path) if name.split(".")[0] in ("streamlit", "pages")] == []


def test_no_strategy_is_named_outside_its_file() -> None:
    """The mechanism knows no strategy by name, but for the first model of a new project."""
    folder = ROOT / "core" / "strategies"
    names = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}
    naming = {
        path.stem
        for path in (ROOT / "core" / "training").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert naming == set()


def test_neither_the_web_process_nor_the_worker_itself_loads_anything_heavy() -> None:
    code = (
        "import sys, core.jobs.worker, core.projects, core.server.launch, core.web.routes;"
        "heavy = {'torch', 'timm', 'openvino', 'onnxruntime', 'onnx', 'sklearn', 'skimage',"
        "'authlib', 'httpx', 'joserfc', 'obstore'};"
        "print(*(heavy & sys.modules.keys()))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == ""
