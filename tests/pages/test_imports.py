"""The web process stays light, and the pages stay above the core."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "pages").rglob("*.py"))
HEAVY = {"torch", "torchvision", "timm", "sklearn", "openvino", "scipy", "skimage", "cv2"}

SCRIPT = """
import importlib, pkgutil, sys
import app, core.web, pages
for package in ("core.web", "pages.components", "pages.sections"):
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        importlib.import_module(found.name)
for name in sys.argv[2].split(","):
    importlib.import_module(name)
importlib.import_module("core.strategies").strategies()
importlib.import_module("core.checks").checks()
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


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_pages_take_only_public_names_from_core(file):
    for module, names in imported(file):
        if module.split(".")[0] == "core":
            taken = [*module.split("."), *names]
            private = [part for part in taken if part.startswith("_")]
            # There an underscore only means: this file is no check.
            assert module.startswith("core.checks") or not private


def test_core_never_imports_streamlit():
    for file in (ROOT / "core").rglob("*.py"):
        assert not any(module.split(".")[0] == "streamlit" for module, _ in imported(file)), file


def test_the_web_process_never_loads_what_only_the_worker_needs():
    used = {name for file in PAGES for name, _ in imported(file) if name.startswith("core.")}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, ",".join(HEAVY), ",".join(sorted(used))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip().splitlines()[-1] == "[]"
