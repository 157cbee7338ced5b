"""One module knows what lies in a job's folder; the others ask it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import jobs
from core.jobs import folder as files

ROOT = Path(files.__file__).parents[2]
NAMES = files._OWN
ANYWHERE = {name for name in NAMES if "." in name.lstrip(".")}
"""Those that mean nothing else: they stand nowhere. The others are words, too: no path has them."""
MODULES = [
    path
    for folder in ("core", "pages")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != Path(files.__file__)
]


def named(path: Path) -> Iterator[str]:
    """The names of files of a job that stand in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            last = node.value.rsplit("/", 1)[-1]
            if last in ANYWHERE:
                yield last
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            right = node.right
            if isinstance(right, ast.Constant) and right.value in NAMES:
                yield str(right.value)


def test_no_other_module_knows_the_names_of_its_files() -> None:
    found = {str(path.relative_to(ROOT)): names for path in MODULES if (names := [*named(path)])}
    assert found == {}


def test_a_module_that_knew_them_would_be_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        'a = folder / "stop"\nb = f"{folder.name}/log.txt"\nc = folder.glob("*/job.json")\n'
        'd = {"stop": "starts"}\n'
    )
    assert sorted(named(module)) == ["job.json", "log.txt", "stop"]


@pytest.mark.parametrize("name", [*sorted(NAMES), "../graft.db", "/etc/passwd", "a/b", "", ".."])
def test_a_result_has_a_name_of_its_own(home: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name for a result"):
        files.result_file(jobs.new_job(), name)


def test_a_folder_is_removed_with_all_that_is_in_it_and_the_spec_last(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = jobs.new_job()
    files.spec_file(folder).write_text("{}")
    files.result_file(folder, "sample").mkdir()
    files.result_file(folder, "model.zip").write_bytes(b"PK")
    remove = files.remove_whatever

    def all_but_the_folder(path: Path) -> None:
        if path != folder:
            remove(path)

    with monkeypatch.context() as patch:
        patch.setattr(files, "remove_whatever", all_but_the_folder)
        files.remove(folder)
    assert [file.name for file in folder.iterdir()] == [files.spec_file(folder).name]
    files.remove(folder)
    files.remove(folder)
    assert not folder.exists()
