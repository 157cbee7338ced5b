"""What the product imports stands in requirements.txt, not only in what the tests install."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = {"core", "pages", "app", "webserver", "graft"}
PACKED = {
    *("image_reading", "image_kinds", "image_colours", "prediction_rows"),
    *("classify", "classify_sorting", "classify_tables", "classify_watching"),
    *("server_app", "server_customvision", "server_docs", "server_kserve", "server_limits"),
    *("server_model", "server_reading"),
}
"""Lie beside predict.py, classify.py or server.py in an exported model, which imports them by these
names."""
OF_ANOTHER = {
    "starlette": "streamlit",
    "h11": "uvicorn",
    "click": "uvicorn",
    "huggingface_hub": "timm",
    "scipy": "scikit-learn",
    "fontTools": "fpdf2",
    "joserfc": "authlib",
}
"""Imported because a package that we ask for is built on it: it cannot be there without."""


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_everything_that_is_imported_is_asked_for():
    files = [ROOT / "requirements.txt", *ROOT.glob("requirements-*.txt")]
    files.remove(ROOT / "requirements-dev.txt")  # what is left is for `make extra`
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    asked = {_plain(m[0]) for line in lines if (m := re.match(r"[A-Za-z0-9._-]+", line))}
    files = [*(ROOT / "core").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), *ROOT.glob("*.py")]
    names = {name.split(".")[0] for file in files for name in _imports(file)}
    outside = names - OURS - PACKED - sys.stdlib_module_names
    assert len(outside) > 20
    made_by = packages_distributions()
    missing = {
        name: made_by.get(name)
        for name in outside
        if OF_ANOTHER.get(name) not in asked
        and not asked & {_plain(one) for one in made_by.get(name, [name])}
    }
    assert not missing


@pytest.mark.parametrize("stamp", ["", "-dev"])
def test_a_set_up_without_cuda_installs_all_else_by_its_hash(tmp_path: Path, stamp: str) -> None:
    make = shutil.which("make")
    assert make, "make test needs make"
    asked = [make, "--no-print-directory", "-nB", "TORCH=cpu", f".venv/.ready{stamp}cpu"]
    plan = subprocess.check_output(asked, cwd=ROOT, text=True)
    sifted = [line for line in plan.splitlines() if line.startswith("awk")]
    script = "\n".join(sifted).replace("> .venv/", f"> {tmp_path}/")
    subprocess.run(["sh", "-ec", script], cwd=ROOT, check=True)

    def packages(lock: Path) -> dict[str, bool]:
        """The packages of a lock, and whether each has a hash."""
        entries = re.split(r"(?m)^(?=[a-z0-9])", lock.read_text(encoding="utf-8"))
        return {
            each.partition("==")[0]: "--hash=sha256:" in each for each in entries if "==" in each
        }

    whole = packages(ROOT / f"requirements{stamp}.lock")
    rest = packages(tmp_path / "rest.lock")
    assert all(rest.values())
    assert packages(tmp_path / "uv.lock") == {"uv": True}
    left_out = whole.keys() - rest.keys()
    assert {each for each in left_out if not each.startswith(("nvidia-", "cuda-"))} == {
        "torch", "torchvision", "triton",
    }  # fmt: skip
    assert "--torch-backend=cpu $(awk" in plan
