"""Files that tell whether they are still what was written: text, tensors, and what is written."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from damage import flipped, ways
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

import core
from core import tensors
from core.errors import Damaged
from core.files import read_sealed, replace_file, sealed, unsealed

ROOT = Path(core.__file__).parents[1]
TEXTS = ('{"images": 3, "title": "Füße"}', "[]", '[["a"], 1]', '{\n "a": {"content": [1]}\n}\n')


@pytest.mark.parametrize("text", TEXTS)
def test_sealed_text_is_json_and_comes_back_as_it_was(text):
    assert unsealed(sealed(text)) == text
    assert unsealed(text) == text  # as earlier versions wrote it
    assert isinstance(json.loads(sealed(text)), dict)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("bits", [0x01, 0x20, 0x80])
def test_any_byte_of_sealed_text_that_changed_is_found(text, bits):
    whole = sealed(text).encode()
    for place in range(len(whole)):
        with pytest.raises(ValueError):  # noqa: PT011 - also of UTF-8
            unsealed(flipped(whole, place, bits))


def test_sealed_text_that_lost_its_end_is_never_read(tmp_path):
    whole = sealed(TEXTS[0]).encode()
    for length in range(len(whole)):
        (tmp_path / "a.json").write_bytes(whole[:length])
        with pytest.raises(ValueError):  # noqa: PT011
            json.loads(read_sealed(tmp_path / "a.json"))


@pytest.fixture
def small(tmp_path):
    """A file of tensors, and what is in it."""
    content = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(2, np.float16)}
    tensors.write(tmp_path / "small.safetensors", content, {"about": "ten digits"}, framework="np")
    return tmp_path / "small.safetensors", content


def test_a_part_of_an_array_comes_back_as_it_was(tmp_path):
    whole = np.arange(12.0).reshape(3, 4)
    tensors.write(tmp_path / "part", {"a": whole[:, :2], "b": whole.T}, framework="np")
    found = tensors.read(tmp_path / "part", framework="np").tensors
    np.testing.assert_array_equal(found["a"], whole[:, :2])
    np.testing.assert_array_equal(found["b"], whole.T)


def test_tensors_come_back_and_other_programs_read_them_too(small):
    file, content = small
    stored = tensors.read(file, framework="np", must_be_sealed=True)
    assert stored.metadata == {"about": "ten digits"}
    for name, values in content.items():
        np.testing.assert_array_equal(stored.tensors[name], values)
        np.testing.assert_array_equal(load_file(file)[name], values)
    assert torch.equal(tensors.read(file).tensors["a"], torch.from_numpy(content["a"]))


def test_the_same_tensors_give_the_same_file(tmp_path):
    about = dict.fromkeys("abcdefgh", "as “it” is\n")
    files = [tmp_path / f"{number}.safetensors" for number in range(6)]
    for file in files:
        tensors.write(file, {"a": np.ones(3, np.float32)}, about, framework="np")
    assert len({file.read_bytes() for file in files}) == 1
    assert tensors.read(files[0], must_be_sealed=True).metadata == about


@pytest.mark.parametrize("bits", [0x01, 0x20, 0x80])
def test_any_byte_of_tensors_that_changed_is_found(small, bits):
    file, _ = small
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(flipped(whole, place, bits))
        with pytest.raises(Damaged, match="is damaged"):
            tensors.read(file, framework="np")


def test_tensors_that_lost_their_end_or_are_noise_are_never_read(small):
    file, _ = small
    whole = file.read_bytes()
    cut = [whole[:length] for length in range(len(whole))]
    for content in (*cut, *ways(whole).values(), whole + b"\0", b"\xff" * 64):
        file.write_bytes(content)
        with pytest.raises(Damaged):
            tensors.read(file)


def test_tensors_of_earlier_versions_are_read_unless_they_can_be_made_again(tmp_path):
    save_file({"a": np.ones(3, np.float32)}, tmp_path / "old.safetensors", {"format": "pt"})
    assert tensors.read(tmp_path / "old.safetensors").metadata == {"format": "pt"}
    with pytest.raises(Damaged):
        tensors.read(tmp_path / "old.safetensors", must_be_sealed=True)
    with pytest.raises(FileNotFoundError):
        tensors.read(tmp_path / "none.safetensors")


def test_where_writing_fails_the_old_file_stays_and_nothing_else(small, tmp_path):
    file, _ = small
    before = file.read_bytes()
    with pytest.raises(SafetensorError):
        tensors.write(file, {"a": "no tensor"}, framework="np")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):  # noqa: PT011
        replace_file(tmp_path / "folder", "text")
    assert file.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {file.name, "folder"}


# Where files are written otherwise than through core.files, and why that is no risk.
WRITES = {
    "core/files.py": "the writers themselves",
    "core/tensors.py": "into a draft",
    "core/dataset/store.py": "into a draft; flushed before the first manifest that names it",
    "core/dataset/durability.py": "opened to be flushed",
    "core/export/bundle.py": "into a draft, which is a ZIP",
    "core/export/formats/zip.py": "in a temporary folder",
    "core/export/formats/coreml.py": "in a temporary folder",
    "core/export/formats/openvino.py": "in a temporary folder",
    "core/export/formats/page.py": "in a temporary folder",
    "core/export/formats/server.py": "in a temporary folder",
    "core/export/model_server/server_reading.py": "a pipe",
    "core/export/classify_sorting.py": "copies for people; what undoes it appends, or is a draft",
    "core/export/classify_zip.py": "in a temporary folder",
    "core/export/classify_tables.py": "into a draft",
    "core/export/onnx_graph.py": "into a draft",
    "core/jobs/frames.py": "into a draft; a frame is worth nothing a second later",
    "core/language/__main__.py": "part of the program, made by its authors",
    "core/jobs/log.py": "appends",
    "core/jobs/starts.py": "appends",
    "core/jobs/told.py": "appends",
    "core/storage/objects.py": "into a draft",
    "core/sandbox/helper.py": "a pipe",
    "core/cli/_faults.py": "appends",
    "core/logs.py": "appends, and the old part of a log",
    "core/web/uploads.py": "appends",
    "core/web/intake.py": "an upload: appends beside its place",
    "core/web/previews/make.py": "part of the program, made by its authors",
    "core/analysis/prediction.py": "thumbnails of a job, made anew when it runs again",
    "core/dataset/laid_out.py": "in the job's own folder, laid out anew by each attempt",
    "core/export/originals.py": "in a temporary folder",
    "core/export/sorted_images.py": "copies for people, in a folder that was empty",
    "core/backup/repository.py": "into a draft",
    "core/backup/restoring.py": "into a folder that is moved into place once all of it is sound",
    "core/dataset/samples.py": "a sample, made anew whenever it is asked for",
}


def written(path: Path) -> list[str]:
    """Calls in a module that write a file under its own name."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
        modes = {text for text in texts if isinstance(text, str) and len(text) <= 3}
        modes |= {
            str(getattr(each.value, "value", "")) for each in node.keywords if each.arg == "mode"
        }
        opens = name in ("open", "fdopen") and any({*mode} & {*"wax+"} for mode in modes)
        if opens or name in ("write_text", "write_bytes", "save_file", "copyfile", "copy2"):
            found.append(f"{name}, line {node.lineno}")
    return found


def test_every_file_is_written_whole_or_only_added_to():
    """Else a reader, or the next start after a power cut, would find half of one."""
    modules = [*(ROOT / "core").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), ROOT / "app.py"]
    own_way = {
        path.relative_to(ROOT).as_posix(): calls for path in modules if (calls := written(path))
    }
    assert {name: calls for name, calls in own_way.items() if name not in WRITES} == {}
    assert own_way.keys() >= {"core/dataset/store.py", "core/jobs/log.py"}  # the test sees them


# What is written whole but unsealed, and how damage to it is found.
UNSEALED = {
    "core/dataset/store.py": "its name is the hash of what it says",
    "core/backbones/runtime.py": "is a hash",
    "core/export/report.py": "for people, outside the home folder",
    "core/export/pdf.py": "for people, outside the home folder",
    "core/cli/predict.py": "for people, outside the home folder",
    "core/jobs/confirming.py": "only that it is there counts",
    "core/jobs/upload_ids.py": "a key: another one only ends the uploads under way",
    "core/backup/repository.py": "a mark, read strictly; all else there is named by its hash",
    "core/cli/_server.py": "for people, outside the home folder",
    "core/jobs/home.py": "read strictly; another id than the databases know is refused",
    "core/jobs/starts.py": "numbers, read strictly: how often a job was begun",
    "core/jobs/temporary.py": "nothing but a folder of that name in the temporary one is removed",
    "core/jobs/spec.py": "read strictly; what it says is asked for again",
    "core/jobs/gone.py": "a number, read strictly: without it all is heard again",
    "core/jobs/told.py": "lines of a log; and a number, read strictly: without it all is brought",
    "core/storage/shared.py": "held against its hash before it is written",
}


def unsealed_calls(path: Path) -> list[str]:
    """Calls of replace_file with anything but sealed text."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "replace_file":
            text = node.args[1]
            if not isinstance(text, ast.Call) or getattr(text.func, "id", "") != "sealed":
                found.append(f"line {node.lineno}")
    return found


def test_every_file_that_is_read_again_is_sealed():
    modules = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "core").rglob("*.py")}
    plain = {name: calls for name, path in modules.items() if (calls := unsealed_calls(path))}
    assert {name: calls for name, calls in plain.items() if name not in UNSEALED} == {}
    assert "core/dataset/store.py" in plain  # the test sees them
