"""Answers as one table in groups, with the right class to choose and the explanation in the row."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components import text

_LONGEST_LABEL, _LONGEST_ID = 1_000, 100


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One line of the table: plain text, which the browser never takes for markup."""

    n: int
    """The number of the answer."""
    name: str
    title: str
    """The whole path, for whoever points at the name."""
    thumb: str = ""
    """The address of a small image."""
    answer: str = ""
    lines: tuple[str, ...] = ()
    """What else it might be, below."""
    sure: str = ""
    """The confidence in words."""
    error: str = ""
    """Why there is no answer; then nothing can be corrected or explained."""
    explains: bool = True


@dataclass(frozen=True, slots=True)
class AnswerGroup:
    """Rows under one heading."""

    title: str
    count: str
    rows: tuple[AnswerRow, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """What explains one answer: HTML made safe, or a sentence while it is not there."""

    n: int
    html: str = ""
    says: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a person did since the last run of the page."""

    id: str = ""
    """Names the corrections, which are told again in every run until there are others."""
    corrected: Mapping[int, str | None] = field(default_factory=dict)
    """The right class by the number of the answer; None takes a correction back."""
    why: int | None = None
    """The answer to explain; -1 to close the explanation."""


def _source(kind: str) -> str:
    return Path(__file__).with_name(f"answer_table.{kind}").read_text(encoding="utf-8")


_table = st.components.v2.component(
    "graft_answer_table", html=_source("html"), css=_source("css"), js=_source("js")
)


def answer_table(
    groups: Sequence[AnswerGroup],
    classes: Sequence[str],
    *,
    corrected: Mapping[int, str],
    learned: Sequence[int],
    why: Why | None,
    seen: str,
    key: str,
) -> Told:
    """Draw the table; gives what was chosen and asked in it. `seen` is the id of the corrections
    that were written down last."""
    shown = [asdict(group) for group in groups]
    labels = text.apart([text.plain(label) for label in classes])
    data = {
        "token": sha256(repr((shown, classes)).encode("utf-8", "replace")).hexdigest(),
        "groups": shown,
        "shown": sum(len(group.rows) for group in groups),
        "classes": [
            {"label": label, "shown": words} for label, words in zip(classes, labels, strict=True)
        ],
        "corrected": {str(n): label for n, label in corrected.items()},
        "learned": list(learned),
        "seen": seen,
        "why": asdict(why) if why else None,
    }
    told = _table(key=key, data=data, on_corrected_change=lambda: None, on_why_change=lambda: None)
    return _told(told.corrected, told.why, {row.n for group in groups for row in group.rows})


def _told(corrected: Any, why: Any, here: set[int]) -> Told:
    """What the browser says, as far as it makes sense."""
    about = why.get("n") if isinstance(why, dict) else None
    asked = about if type(about) is int and about in {-1, *here} else None
    if not isinstance(corrected, dict) or not isinstance(corrected.get("labels"), list):
        return Told(why=asked)
    labels: dict[int, str | None] = {}
    for each in corrected["labels"]:
        number, label = (each.get("n"), each.get("label")) if isinstance(each, dict) else (None, 0)
        if type(number) is int and number in here and (label is None or isinstance(label, str)):
            labels[number] = label[:_LONGEST_LABEL] if label else None
    return Told(str(corrected.get("id", ""))[:_LONGEST_ID], labels, asked)
