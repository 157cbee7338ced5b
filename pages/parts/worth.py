"""A result beside what could be had without it: guessing, the frozen network, none at all."""

from collections.abc import Iterator

import streamlit as st

from core import Recipe, Reference, Report, RunRow, all_strategies, in_words, references
from pages.parts import text
from pages.parts.place import Place, go
from pages.parts.runs import begin_run, under_way
from pages.parts.score import report_of, words


def worth(place: Place, run: RunRow, report: Report) -> None:
    """The card with a row for each; says plainly when transfer hurts."""
    beside = (
        ("first", place.first_model),
        ("scratch", _scratch(place, run)),
        ("alone", _alone(place, run, report)),
    )
    others = [
        (kind, _same_question(other, report).predictions)
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
        kinds = {each.kind for each in found}
        if _transfers(run) and "scratch" not in kinds:
            _offer_scratch(place, run)
        alone = _recipe_alone(run, report)
        if alone and "alone" not in kinds and not under_way(place, alone):
            _offer_alone(place, alone, report.task)


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
            "strategy": name, "options": {}, "start": "", "teacher": "", "evaluation": "holdout",
        }
    )  # fmt: skip
    if under_way(place, recipe):
        return
    if st.button("Teach one from nothing", icon=":material/psychology_alt:", type="tertiary"):
        go("training", run=begin_run(place, recipe))


def _offer_alone(place: Place, alone: Recipe, task: str) -> None:
    """Start a run that learns this question and no other, on the same parts of the pictures."""
    st.html(
        '<p class="muted small">Whether the questions help each other shows beside a run that '
        f"learned {text.bdi(task, 40)} alone: there is none yet "
        '<span class="term">(single-task model)</span>.</p>'
    )
    if st.button("Teach this question alone", icon=":material/filter_1:", type="tertiary"):
        go("training", run=begin_run(place, alone))


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
    wanted = _recipe_alone(run, report)
    if wanted is None:
        return None
    asked = report.task
    return next(
        (
            one
            for one in _same_pictures(place, run)
            if one.recipe.task == asked
            or (one.recipe.strategy, _weights(one)) == (wanted.strategy, wanted.options["weights"])
        ),
        None,
    )


def _recipe_alone(run: RunRow, report: Report) -> Recipe | None:
    """The same run with all other questions left to their first classifier; None where this one
    was, or where there is only one."""
    asked = report.task
    whole = report_of(run) if asked and not run.recipe.task else None
    tasks = whole.tasks if whole else ()
    others = {task: 0.0 for task in tasks if task not in ("", asked)}
    if not others or _weights(run).get(asked) == 0 or _weights(run) == others:
        return None
    return run.recipe.model_copy(update={"options": {**run.recipe.options, "weights": others}})


def _weights(run: RunRow) -> dict[str, float]:
    return run.recipe.options.get("weights", {})


def _same_pictures(place: Place, run: RunRow) -> Iterator[RunRow]:
    """Finished runs on the same version of the pictures, newest first."""
    return (one for one in place.finished if one.dataset_id == run.dataset_id)


def _same_question(other: Report, report: Report) -> Report:
    """The other run's report on the same question, where it answers several."""
    return other.tasks.get(report.task, other)


def _table(report: Report, found: list[Reference]) -> str:
    score = f"{report.correct} of {report.n}"
    own = (report.accuracy, _row("<b>this run</b>", score, words(report), "here"))
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
    said = f"{counts}, {p}. {each.needed_in_words}"
    so = f'{text.html(each.verdict, 300)} <span class="muted small">{said}</span>'
    score = f"{each.correct} of {each.n}"
    return _row(text.html(each.name), score, in_words(each.interval), "", so)


def _row(name: str, score: str, said: str, kind: str, so: str = "") -> str:
    return (
        f'<tr class="{kind}"><td>{name}</td><td class="n">{score}</td>'
        f'<td class="said-so">{said}</td><td>{so}</td></tr>'
    )
