"""docs/strategies.md: what the strategies' benchmark found, as tables that a person reads."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from core.evaluation.metrics import wilson
from core.strategies import get_strategy

Row = Mapping[str, Any]

_FILE = Path(__file__).parent.parent / "docs" / "strategies.md"
_COLUMNS = {
    "question", "seed", "data", "strategy", "right", "n", "interval", "seconds", "start_right", "p",
    "before", "now", "of", "labels", "backbone", "note",
}  # fmt: skip
"""All others of a row are options of the strategy, or what is said of one of several tasks."""
_TITLES = {
    "learn": "A small labelled set",
    "more": "Other methods for a small labelled set",
    "few": "Few labelled images and many unlabelled ones",
    "adapt": "Images of another domain",
    "tasks": "Two label columns",
    "continue": "New classes for a model that exists",
    "teach": "A small network beside a larger one",
}
_ABOUT = {
    "learn": "The frozen network with a new classifier is the first row; training from scratch the "
    "last.",
    "more": "Unusual variants of the same methods; and a chain: the network that learned the "
    "outlined emoji first. No image of the outlined ones is kept apart for that.",
    "few": "So many labelled images a class as the second column says; the others of the training "
    "part have lost their labels.",
    "adapt": "Labelled images of the source domain, unlabelled ones of the target domain, "
    "evaluated on the latter. “Beside” is the frozen network with a classifier trained on the "
    "source domain alone (source-only); “trade_off = 0” adapts layers, too, but with the source "
    "domain alone: what a method brings is what it has over that. The "
    "rows with 5 labels a class borrow the source domain's images; beside them stand one's own "
    "images alone. No image of the source domain shows what a test image shows.",
    "tasks": "The sample and its source domain together: which class, and which domain. Beside: "
    "both tasks at once; then each alone.",
    "continue": "A model of half the classes goes on with the other half. What it still knows of "
    "the first half, before and after. “rehearse = 0” shows it no old image, “teacher_weight = "
    "0” does not hold it to its old answers.",
    "teach": "EfficientNet-Lite2 teaches Lite0.",
}


def write_tables(rows: Sequence[Row]) -> None:
    """Write them all."""
    _FILE.write_text("\n".join(_page(rows)) + "\n", encoding="utf-8")


def _page(rows: Sequence[Row]) -> Iterator[str]:
    yield "# What each training method reached"
    yield ""
    yield (
        "Real images, the bundled weights, 96 px, two CPU cores: `make bench ARGS=strategies` "
        "(benchmarks/strategies.py) writes this page. Right of n test images, in brackets the "
        "95 % Wilson interval of 100; “beside” is the classifier that the run started from, with "
        "the exact McNemar test between the two: above 0.05 these images cannot tell them apart. "
        "Several seeds stand one below the other; their test parts overlap. Seconds are those of a "
        "machine with other work to do; “?” where it was halted meanwhile."
    )
    for question, title in _TITLES.items():
        mine = [row for row in rows if row["question"] == question]
        if mine:
            yield from ("", f"## {title}", "", _ABOUT[question], "")
            yield from _table(question, mine)


def _table(question: str, rows: Sequence[Row]) -> Iterator[str]:
    heads = ["images", "training method", "right", "beside", "p", "seconds"]
    if question == "few" or any("labels" in row for row in rows):
        heads.insert(1, "labels a class")
    if question == "continue":
        heads.insert(-1, "old classes: before, after")
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for _, same in groupby(sorted(rows, key=lambda row: _kind(rows, row)), key=_name):
        each = sorted(same, key=lambda row: row["seed"])
        cells = [_cell(each, head) for head in heads]
        yield "| " + " | ".join(cells) + " |"


def _kind(rows: Sequence[Row], row: Row) -> int:
    """Where rows of this kind first stand."""
    return next(place for place, other in enumerate(rows) if _name(other) == _name(row))


def _name(row: Row) -> tuple[str, Any, str, str]:
    return row["data"], row.get("labels", ""), row["strategy"], _options(row)


def _options(row: Row) -> str:
    said = {
        name: value
        for name, value in row.items()
        if name not in _COLUMNS and not name.startswith(("right ", "n ", "start_right ", "p "))
    }
    return ", ".join(f"{name} = {_said(value)}" for name, value in said.items() if value != {})


def _said(value: Any) -> str:
    return ", ".join(f"{k}: {v:g}" for k, v in value.items()) if isinstance(value, dict) else value


def _cell(rows: Sequence[Row], head: str) -> str:
    first = rows[0]
    if head == "images":
        return str(first["data"])
    if head == "labels a class":
        return str(first.get("labels", "none"))
    if head == "training method":
        backbone = "Lite2" if "lite2" in first.get("backbone", "") else ""
        said = ", ".join(filter(None, [_options(first), backbone]))
        title = f"{get_strategy(first['strategy']).title} [{first['strategy']}]"
        return f"{title}: {said}" if said else title
    return "<br>".join(_of(row, head) for row in rows)


def _of(row: Row, head: str) -> str:
    if head == "seconds":
        return f"{row['seconds']:.0f}" if "seconds" in row else "?"
    if head.startswith("old classes"):
        return "" if row.get("now") is None else f"{row['before']}, {row['now']} of {row['of']}"
    tasks = [name.removeprefix("right ") for name in row if name.startswith("right ")]
    said = [_one(row, head, f" {task}") for task in tasks] if tasks else [_one(row, head, "")]
    named = zip(tasks or [""], said, strict=True)
    return "; ".join(f"{task}: {words}" if task else words for task, words in named if words)


def _one(row: Row, head: str, of: str) -> str:
    """What stands under this head about one question; `of` names it, behind a blank."""
    if head == "right":
        right, n = row[f"right{of}"], row[f"n{of}"]
        low, high = (100 * bound for bound in wilson(right, n))
        return f"{right} of {n} ({low:.0f} to {high:.0f})"
    if head == "beside":
        return str(row.get(f"start_right{of}", ""))
    return _p(row[f"p{of}"]) if f"p{of}" in row else ""


def _p(p: float) -> str:
    return f"{p:.2f}" if p >= 0.005 else "< 0.01"
