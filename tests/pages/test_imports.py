"""The web process stays light, and the pages stay above the core."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import core

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "pages").rglob("*.py"))
HEAVY = {"torch", "torchvision", "timm", "sklearn", "openvino", "scipy", "skimage", "cv2"}

SCRIPT = """
import importlib, pkgutil, sys
import app, core, core.web
for found in pkgutil.walk_packages(core.web.__path__, "core.web."):
    importlib.import_module(found.name)
for found in pkgutil.iter_modules(["pages/parts"], "pages.parts."):
    importlib.import_module(found.name)
for name in core.__all__:
    getattr(core, name)
core.all_strategies()
print(sorted(set(sys.argv[1].split(",")) & set(sys.modules)))
"""


def imported(file: Path) -> list[tuple[str, list[str]]]:
    """Each import in a file: module, and the names taken from it."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.module or "", [alias.name for alias in node.names]))
    return found


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_pages_take_only_public_names_from_core(file):
    for module, names in imported(file):
        if module.split(".")[0] == "core":
            assert module == "core"
            assert set(names) <= set(core.__all__)


def test_core_never_imports_streamlit():
    for file in (ROOT / "core").rglob("*.py"):
        assert not any(module.split(".")[0] == "streamlit" for module, _ in imported(file)), file


def test_the_web_process_never_loads_what_only_the_worker_needs():
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, ",".join(HEAVY)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip().splitlines()[-1] == "[]"
