"""What a job is to do, as it lies on disk."""

import json
import shutil
from pathlib import Path

import pytest

from core import jobs
from core.errors import NotFound
from core.files import read_sealed
from core.jobs.folder import spec_file
from core.jobs.spec import JobSpec

OLD = Path(__file__).parents[1] / "fixtures" / "home_of_format_1"
SPEC = JobSpec("predict", {"run": "0" * 16, "names": ["<b>täg</b>"]}, attempt=3, since=17)


def test_a_spec_is_read_as_it_was_written_and_is_sealed(home: Path) -> None:
    folder = jobs.new_job()
    SPEC.write(folder)
    assert JobSpec.read(folder) == SPEC
    content = json.loads(read_sealed(spec_file(folder)))
    assert content == {"kind": "predict", "args": SPEC.args, "attempt": 3, "since": 17}
    assert "sha256" in json.loads(spec_file(folder).read_text(encoding="utf-8"))


@pytest.mark.parametrize("at", [20, 90, -30])
def test_a_spec_that_is_no_longer_what_was_written_is_none(home: Path, at: int) -> None:
    folder = jobs.new_job()
    SPEC.write(folder)
    content = bytearray(spec_file(folder).read_bytes())
    content[at] ^= 1
    spec_file(folder).write_bytes(content)
    with pytest.raises(NotFound):
        JobSpec.read(folder)


def test_those_of_an_earlier_version_are_read_and_their_arguments_are_those_of_today(
    tmp_path: Path,
) -> None:
    from core.jobs.kinds import get_kind

    shutil.copytree(OLD, tmp_path / "home")
    folders = sorted(file.parent for file in (tmp_path / "home").glob("*/*/job.json"))
    specs = [JobSpec.read(folder) for folder in folders]
    assert [spec.kind for spec in specs] == ["import", "train", "train"]
    for spec in specs:
        get_kind(spec.kind).checked(spec.args)
    folder = folders[0]
    specs[0].next_attempt(5).write(folder)
    assert JobSpec.read(folder) == JobSpec("import", specs[0].args, attempt=2, since=5)


@pytest.mark.parametrize("content", ['{"kind": "a", "since": Infinity}', "[" * 100_000, "\ud800"])
def test_whatever_lies_there_is_a_spec_or_none(home: Path, content: str) -> None:
    folder = jobs.new_job()
    spec_file(folder).write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(NotFound):
        JobSpec.read(folder)
