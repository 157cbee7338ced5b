"""A result beside what could be had without it: guessing, the frozen network, none at all."""

from collections.abc import Iterator

import streamlit as st

from core import Reference, RunRow, all_strategies, in_words, references
from pages.parts import text
from pages.parts.place import Place, go
from pages.parts.runs import begin_run, under_way
from pages.parts.score import Report, report_of, words


def worth(place: Place, run: RunRow, report: Report) -> None:
    """The card with a row for each; says plainly when transfer hurts."""
    beside = (
        ("first", place.first_model),
        ("scratch", _scratch(place, run)),
        ("alone", _alone(place, run, report)),
    )
    others = [
        (kind, _same_question(other, report)["predictions"])
        for kind, one in beside
        if one is not None and one.id != run.id and (other := report_of(one))
    ]
    found = references(report, others)
    with st.container(border=True, key="worth"):
        st.html(
            '<h2 class="card-title">What is it worth? <span class="term small">the same test '
            "pictures, exact McNemar tests, Holm correction</span></h2>"
        )
        for each in found:
            if each.hurts:
                st.warning(each.verdict, icon=":material/warning:")
        st.html(_table(report, found))
        if _transfers(run) and not any(each.kind == "scratch" for each in found):
            _offer_scratch(place, run)


def _offer_scratch(place: Place, run: RunRow) -> None:
    """Start a run that learns from nothing, to see whether transfer helps."""
    st.html(
        '<p class="muted small">Whether transfer helps at all shows beside a run that '
        "learned from nothing on the same pictures: there is none yet "
        '<span class="term">(negative transfer)</span>.</p>'
    )
    name = next(name for name, known in all_strategies().items() if not known.transfers)
    recipe = run.recipe.model_copy(
        update={
            "strategy": name, "options": {}, "start": "", "teacher": "", "judge": "held-out",
        }
    )  # fmt: skip
    if under_way(place, recipe):
        return
    if st.button("Teach one from nothing", icon=":material/psychology_alt:", type="tertiary"):
        go("training", run=begin_run(place, recipe))


def _transfers(run: RunRow) -> bool:
    known = all_strategies().get(run.recipe.strategy)
    return known is None or known.transfers


def _scratch(place: Place, run: RunRow) -> RunRow | None:
    """The newest run that learned from nothing, on the same pictures."""
    if not _transfers(run):
        return None
    return next((one for one in _same_pictures(place, run) if not _transfers(one)), None)


def _alone(place: Place, run: RunRow, report: Report) -> RunRow | None:
    """The newest run on the same pictures that learned this question and no other."""
    asked = report.get("task", "")
    if not asked or run.recipe.task:
        return None
    return next((one for one in _same_pictures(place, run) if one.recipe.task == asked), None)


def _same_pictures(place: Place, run: RunRow) -> Iterator[RunRow]:
    """Finished runs on the same version of the pictures, newest first."""
    return (one for one in place.finished if one.dataset_id == run.dataset_id)


def _same_question(other: Report, report: Report) -> Report:
    """The other run's report on the same question, where it answers several."""
    reports = {each.get("task", ""): each for each in (other, *other.get("further", []))}
    return reports.get(report.get("task", ""), other)


def _table(report: Report, found: list[Reference]) -> str:
    own = (report["correct"] / report["n"], _row("<b>this run</b>", report, words(report), "here"))
    rows = [own, *((each.correct / each.n, _reference(each)) for each in found)]
    rows.sort(key=lambda row: -row[0])
    return (
        '<div class="scroll"><table class="table worth"><thead><tr><th></th>'
        '<th class="n">Right</th>'
        "<th>On pictures like these</th><th>So</th></tr></thead><tbody>"
        f"{''.join(row for _, row in rows)}</tbody></table></div>"
    )


def _reference(each: Reference) -> str:
    found = each.comparison
    p = "p &lt; 0.01" if found.p < 0.005 else f"p = {found.p:.2f}"
    counts = f"This run alone right on {found.only_first}, the other alone on {found.only_second}"
    said = f"{counts}, {p}. {each.outlook}"
    so = f'{text.html(each.verdict, 300)} <span class="muted small">{said}</span>'
    score = {"correct": each.correct, "n": each.n}
    return _row(text.html(each.name), score, in_words(each.interval), "", so)


def _row(name: str, score: Report, said: str, kind: str, so: str = "") -> str:
    return (
        f'<tr class="{kind}"><td>{name}</td><td class="n">{score["correct"]} of {score["n"]}</td>'
        f'<td class="said-so">{said}</td><td>{so}</td></tr>'
    )
