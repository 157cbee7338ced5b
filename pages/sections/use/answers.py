"""The answers to what was asked: grouped by class, filtered, corrected and explained in place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import streamlit as st

from core.errors import GraftError
from core.jobs.answers import Answered, correct
from core.jobs.queue import status
from core.projects import RunRow
from core.web.predictions import preview
from pages.components import text
from pages.components.answer_table import AnswerGroup, AnswerRow, Told, Why, answer_table
from pages.components.navigation import refreshing
from pages.components.placeholder import placeholder
from pages.sections.use.explanation import explained_file, explanation_html, start_explaining

PER_PAGE = 100
MOST_OTHERS = 4
MOST_TASKS = 8
ALL = 100
"""Below so many percent: no answer is left out."""
UNKNOWN, UNREADABLE = "Unknown", "Could not be read"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which answers are shown."""

    below: int = ALL
    """Only those of which the model is less sure, in percent."""
    group: str = ""
    """Only those of one group; empty for all."""

    def takes(self, each: Answered) -> bool:
        """Whether this answer is shown."""
        if self.below < ALL and (not each.is_readable or 100 * each.confidence >= self.below):
            return False
        return not self.group or key_of(each) == self.group


def key_of(each: Answered) -> str:
    """The group of an answer, told apart from classes that are called like one."""
    if not each.is_readable:
        return "error"
    return "unknown" if each.label is None else f"class:{each.label}"


def title_of(key: str) -> str:
    """What the group is called, as plain text."""
    own = {"error": UNREADABLE, "unknown": UNKNOWN}
    return own.get(key) or text.plain(key.removeprefix("class:"), 60)


def in_order(answers: Sequence[Answered]) -> list[Answered]:
    """By group: the classes by name, unknown ones, unreadable ones; the least confident first."""

    def place(each: Answered) -> tuple[int, str, float, int]:
        last = {"error": 2, "unknown": 1}
        key = key_of(each)
        return last.get(key, 0), key.casefold() + key, each.confidence, each.number

    return sorted(answers, key=place)


@placeholder
def choose_filter(answers: Sequence[Answered]) -> Filter:
    """The two filters, kept in the address."""
    keys = list(dict.fromkeys(map(key_of, in_order(answers))))
    asked = st.query_params.get("asked", "")
    now = _from_address(keys)
    with st.container(horizontal=True, vertical_alignment="bottom", key="answer-filters"):
        below = st.slider(
            "Only below this confidence",
            5,
            ALL,
            now.below,
            step=5,
            format="%d %%",
            key=f"below-{asked}",
            help="100 % shows all answers.",
        )
        titles = dict(zip(keys, text.apart(list(map(title_of, keys))), strict=True))
        group = st.selectbox(
            "Class",
            ["", *keys],
            index=["", *keys].index(now.group),
            format_func=lambda key: titles.get(key, "All classes"),
            key=f"group-{asked}",
        )
    _into_address(Filter(below, group))
    return Filter(below, group)


def _from_address(keys: Sequence[str]) -> Filter:
    below, group = st.query_params.get("below", ""), st.query_params.get("group", "")
    sure = int(below) if below.isascii() and below.isdigit() and len(below) < 4 else ALL
    return Filter(min(ALL, max(5, sure // 5 * 5)), group if group in keys else "")


def _into_address(chosen: Filter) -> None:
    wanted = {"below": str(chosen.below) if chosen.below < ALL else "", "group": chosen.group}
    for name, value in wanted.items():
        if value and st.query_params.get(name) != value:
            st.query_params[name] = value
        elif not value and name in st.query_params:
            del st.query_params[name]


def table(
    folder: Path,
    run: RunRow,
    answers: Sequence[Answered],
    classes: Sequence[str],
    corrected: dict[int, str],
    learned: Sequence[int],
) -> None:
    """The filters and the table; what is chosen in it is written down at once."""
    chosen = choose_filter(answers)
    left = [each for each in in_order(answers) if chosen.takes(each)]
    if not left:
        st.html('<p class="muted" role="status">No answers match. Change the filters.</p>')
        return
    pages = -(-len(left) // PER_PAGE)
    # Of its own key for each filter, so that another one begins on its first page.
    page = st.pagination(pages, key=f"answers-{folder.name}-{chosen}") if pages > 1 else 1
    here = left[(page - 1) * PER_PAGE : page * PER_PAGE]
    told = answer_table(
        [*_groups(folder, here, left)],
        classes,
        corrected=corrected,
        learned=learned,
        why=_why(here),
        seen=st.session_state.get(f"corrections-{folder.name}", ""),
        key=f"table-{folder.name}",
    )
    _act_on(told, folder, run, here)


def _groups(
    folder: Path, here: Sequence[Answered], left: Sequence[Answered]
) -> Iterator[AnswerGroup]:
    counts = {key: len([*each]) for key, each in groupby(left, key_of)}
    for key, members in groupby(here, key_of):
        noun = "file" if key == "error" else "answer"
        rows = tuple(_row(folder, each) for each in members)
        yield AnswerGroup(title_of(key), text.count(counts[key], noun), rows)


def _row(folder: Path, each: Answered) -> AnswerRow:
    name, row = each.row["image"], each.row
    short, whole = text.plain(name.rsplit("/", 1)[-1], 60), text.plain(name, 400)
    if not each.is_readable:
        return AnswerRow(each.number, short, whole, error=text.plain(row["error"], 300))
    return AnswerRow(
        each.number,
        short,
        whole,
        thumb=preview(folder, each),
        answer=UNKNOWN if row.get("ood") else text.plain(row["label"], 60),
        lines=tuple(_lines(each)),
        sure=text.percent(each.confidence),
        explains=each.file is not None,
    )


def _lines(each: Answered) -> Iterator[str]:
    """What it might be beside the likeliest class, and the answers to further questions."""
    row, shares = each.row, each.row.get("probabilities", {})
    if row.get("ood"):
        yield f"If it is one of your classes after all: {text.plain(row['label'], 60)}"
    elif others := [name for name in row.get("prediction_set") or [] if name != row["label"]]:
        named = [
            f"{text.plain(name, 40)} {text.percent(shares.get(name, 0.0))}"
            for name in others[:MOST_OTHERS]
        ]
        more = len(others) - MOST_OTHERS
        yield f"or {', '.join(named)}" + (f" and {more} more" if more > 0 else "")
    for task, answer in list(row.get("tasks", {}).items())[:MOST_TASKS]:
        share = text.percent(answer["probabilities"].get(answer["label"], 0.0))
        yield f"{text.plain(task, 40)}: {text.plain(answer['label'], 60)} {share}"


def _why(here: Sequence[Answered]) -> Why | None:
    """The explanation that was asked for, if its image is on this page."""
    job, file = explained_file(st.query_params.get("why", ""))
    about = next((each for each in here if file and str(each.file) == file), None)
    if job is None or about is None:
        return None
    now = status(job)
    if now.active:
        _wait_for(job)
        return Why(about.number, says="Looking at this image …")
    if html := explanation_html(now):
        return Why(about.number, html=html)
    return Why(about.number, says=text.plain(now.sentence, 600))


@refreshing(0.7)
def _wait_for(job: Path) -> None:
    if not status(job).active:
        st.rerun(scope="app")


def _act_on(told: Told, folder: Path, run: RunRow, here: Sequence[Answered]) -> None:
    done = f"corrections-{folder.name}"
    if told.corrected and told.id != st.session_state.get(done):
        st.session_state[done] = told.id
        try:
            correct(folder, told.corrected)
        except GraftError as error:
            st.error(text.markdown(str(error), 300), icon=":material/error:")
            return
        st.rerun()
    if told.why == -1:
        st.query_params.pop("why", None)
        st.rerun()
    about = next((each for each in here if each.number == told.why), None)
    if about and about.file:
        st.query_params["why"] = start_explaining(run, file=str(about.file))
        st.rerun()
