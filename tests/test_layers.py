"""Imports run one way: app, pages, core; and inside core from the jobs down to the events."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import core

ROOT = Path(core.__file__).parents[1]
CORE = sorted((ROOT / "core").rglob("*.py"))
PAGES = [*sorted((ROOT / "pages").rglob("*.py")), ROOT / "app.py", ROOT / "webserver.py"]

# A module may import from its own layer and from those above it in this list.
LAYERS = (
    (
        "core.errors",
        "core.settings",
        "core.files",
        "core.tensors",
        "core.faults",
        "core.export.markdown",
        "core.telemetry",
    ),
    (
        "core.sandbox.bounded",
        "core.sandbox.watch",
        "core.sandbox.helper",
        "core.server",
        "core.server.parent_watch",
    ),
    ("core.events", "core.recipe", "core.training.augment"),
    ("core.dataset", "core.backbones", "core.transfer.losses"),
    ("core.training.phases", "core.strategies", "core.evaluation"),
    (
        "core.training",
        "core.checks._runner",
        "core.analysis.embedding_map",
        "core.model",
        "core.export",
        "core.pretraining_analysis",
        "core.analysis.background_reliance",
        "core.analysis.robustness",
        "core.analysis.grad_cam",
        "core.training.sweep",
    ),
    ("core.analysis.label_suggestions",),
    ("core.projects.database", "core.projects", "core.projects.trash", "core.projects.versions"),
    ("core.jobs",),
    ("core.web", "core.server.launch", "core.server.starting"),
    ("core.__main__", "core.cli"),
)
PLAIN = ("core.errors.", "core.files.")
ALONE = ("core.errors", "core.events", "core.recipe")


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


def layer(name: str) -> int | None:
    """The number of the layer a module belongs to; the longest name decides."""
    fitting = [
        (len(prefix), number)
        for number, prefixes in enumerate(LAYERS)
        for prefix in prefixes
        if name == prefix or name.startswith(f"{prefix}.")
    ]
    return max(fitting)[1] if fitting else None


@pytest.mark.parametrize("path", CORE, ids=module_name)
def test_core_imports_run_one_way(path: Path) -> None:
    mine = layer(module_name(path))
    if mine is None:
        assert path in (ROOT / "core" / "__init__.py",) or "migrations" in path.parts
        return
    upward = [name for name in imports(path) if (theirs := layer(name)) and theirs > mine]
    assert upward == []


@pytest.mark.parametrize("path", CORE, ids=module_name)
def test_core_never_imports_streamlit(path: Path) -> None:
    assert [name for name in imports(path) if name.split(".")[0] in ("streamlit", "pages")] == []


@pytest.mark.parametrize("name", ALONE)
def test_the_plainest_modules_import_nothing_of_core_but_errors_and_files(name: str) -> None:
    path = ROOT / (name.replace(".", "/") + ".py")
    ours = [imported for imported in imports(path) if imported.split(".")[0] == "core"]
    assert [imported for imported in ours if not imported.startswith(PLAIN)] == []


@pytest.mark.parametrize("path", PAGES, ids=module_name)
def test_pages_import_only_what_core_offers(path: Path) -> None:
    allowed = {f"core.{name}" for name in core.__all__}
    if path.parent == ROOT:  # what serves also puts together the routes of the web layer
        allowed |= {
            name for name in imports(path) if name.startswith(("core.web.", "core.server."))
        }
    ours = {name for name in imports(path) if name.split(".")[0] == "core"}
    assert ours - allowed == set()


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


def test_the_web_process_loads_nothing_heavy() -> None:
    code = (
        "import sys, core, core.jobs, core.projects, core.server.launch;"
        "print(*({'torch', 'timm', 'openvino', 'sklearn', 'skimage'} & sys.modules.keys()))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == ""
