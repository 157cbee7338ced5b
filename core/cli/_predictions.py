"""What a model said about images, as lines to read."""

from collections.abc import Mapping, Sequence
from typing import Any


def rows_as_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line an image: its likeliest classes, or why there are none."""
    return "\n".join(_row_text(row) for row in rows)


def _row_text(row: Mapping[str, Any]) -> str:
    if "error" in row:
        return f"{row['image']}: {row['error']}"
    answers: dict[str, Any] = row.get("tasks") or {"": row}
    texts = []
    for task, answer in answers.items():
        best = sorted(answer["probabilities"].items(), key=lambda pair: -pair[1])[:3]
        likeliest = ", ".join(f"{label} {probability:.0%}" for label, probability in best)
        texts.append(f"{task}: {likeliest}" if task else likeliest)
    strange = "unlike all its training images; perhaps " if row.get("ood") else ""
    return f"{row['image']}: {strange}{'; '.join(texts)}"
