"""Images that lie inside Parquet files, as collections on the web come."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hostile_files import jpeg, write_folder, write_zip


def parquet(labels: Sequence[int], names: Sequence[str] = (), *, plain: bool = False) -> bytes:
    import pyarrow
    from pyarrow.parquet import write_table

    content = [jpeg(n, (12, 10)) for n in range(len(labels))]
    image = (
        content if plain else [{"bytes": raw, "path": f"{n}.jpg"} for n, raw in enumerate(content)]
    )
    table = pyarrow.table({"image": image, "label": list(labels)})
    if names:
        features = {
            "image": {"_type": "Image"},
            "label": {"names": list(names), "_type": "ClassLabel"},
        }
        table = table.replace_schema_metadata(
            {"huggingface": json.dumps({"info": {"features": features}})}
        )
    buffer = io.BytesIO()
    write_table(table, buffer, row_group_size=3)
    return buffer.getvalue()


@pytest.mark.parametrize("plain", [False, True])
def test_images_inside_parquet_files_are_taken_with_their_classes_and_split(
    take_in, tmp_path: Path, plain: bool
) -> None:
    files = {
        "data/train-00000-of-00002.parquet": parquet([0, 1, 0, 1], ["cat", "dog"], plain=plain),
        "data/train-00001-of-00002.parquet": parquet([1, 0], ["cat", "dog"], plain=plain),
        "data/test-00000-of-00001.parquet": parquet([0, 1, -1], ["cat", "dog"], plain=plain),
        "README.md": b"# Pets",
    }
    for brought in (write_folder(tmp_path / "x", files), write_zip(tmp_path / "x.zip", files)):
        done = take_in(brought)
        assert done.dataset.counts == {"cat": 4, "dog": 4}
        assert {i.part for i in done.dataset.items if "/test/" in i.name} == {"test"}
        assert [i.role for i in done.dataset.items].count("unlabelled") == 1
        assert set(done.skipped) - {"README.md"} == {
            name for name in done.skipped if "exact copy" in done.skipped[name]
        }


def test_images_inside_one_parquet_file_are_counted_against_the_limits(
    take_in, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "x", {"train.parquet": parquet([0, 1] * 10, ["cat", "dog"])})
    assert take_in(folder).dataset.counts == {"cat": 10, "dog": 10}
