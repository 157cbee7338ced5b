"""What mistakes cost: a small table to fill in, and the answers that are then cheapest."""

from collections.abc import Sequence

import streamlit as st

from core.evaluation.report import Report
from core.evaluation.thresholds import Costs, cheapest
from pages.components import text

MOST = 12
"""Classes up to which a table of all mistakes can be filled in."""
PERSON = "a person is asked"


@st.fragment
def costs(run: str, report: Report) -> None:
    """The editor and what follows."""
    names = report.classes
    if len(names) > MOST:
        st.html(
            f'<p class="muted">A table of {len(names)} by {len(names)} mistakes is too much to '
            "fill in. Use “When to ask a person” instead.</p>"
        )
        return
    st.html(
        '<p class="muted">What does each mistake cost you, in minutes, money or trouble? '
        "The model then gives the answer with the lowest expected cost "
        '<span class="term">(cost-sensitive decision)</span>.</p>'
    )
    table = _table(run, report)
    column, _ = st.columns([2, 3])
    with column:
        asking = st.toggle("A person can be asked instead", key=f"asking-{run}")
        person = (
            st.number_input(
                "Cost of asking a person", 0.0, None, 0.3, 0.1, key=f"person-{run}", format="%.2f"
            )
            if asking
            else None
        )
    told = cheapest(report, table, person=person)
    st.html(f'<p class="score-words" role="status">{_in_words(report, told)}')
    st.html(_answers(names, told.confusion))


def _in_words(report: Report, told: Costs) -> str:
    if not told.changed:
        return (
            "With these costs, the most likely answers are also the cheapest.</p>"
            f"<p>They cost {told.mean.after:.2f} per test image.</p>"
        )
    low, high = told.mean.interval
    left = f", {told.abstained} of them left to a person" if told.abstained else ""
    return (
        f"{told.mean.after:.2f} per image instead of {told.mean.before:.2f}: "
        f"{told.verdict}.</p>"
        f"<p>{told.changed} of {report.n} test images would get another answer{left}. The "
        f"difference is likely between {low:+.2f} and {high:+.2f} per image "
        '<span class="term">(95 %, paired bootstrap)</span>.</p>'
    )


def _table(run: str, report: Report) -> list[list[float]]:
    """Costs by true class and answer, as the person filled them in."""
    names = report.classes
    rows = [
        {"true": text.plain(name, 40)}
        | {f"c{k}": 0.0 if k == index else 1.0 for k in range(len(names))}
        for index, name in enumerate(names)
    ]
    edited = st.data_editor(
        rows,
        key=f"costs-{run}-{report.task}",
        hide_index=True,
        disabled=["true"],
        column_config={
            "true": st.column_config.TextColumn("correct class ↓  answer →"),
            **{
                f"c{k}": st.column_config.NumberColumn(
                    text.plain(name, 30), min_value=0.0, step=0.1, format="%.1f", required=True
                )
                for k, name in enumerate(names)
            },
        },
        alt="What each mistake costs: a row for each true class, a column for each answer.",
    )
    return [[float(row[f"c{k}"] or 0) for k in range(len(names))] for row in edited]


def _answers(names: Sequence[str], confusion: tuple[tuple[int, ...], ...]) -> str:
    asked = any(row[-1] for row in confusion)
    head = "".join(f'<th class="n">{text.bdi(name, 20)}</th>' for name in names)
    head += f'<th class="n">{PERSON}</th>' if asked else ""
    rows = "".join(
        f"<tr><td>{text.bdi(names[true], 30)}</td>"
        + "".join(f'<td class="n">{n or ""}</td>' for n in (row if asked else row[:-1]))
        + "</tr>"
        for true, row in enumerate(confusion)
    )
    return (
        '<h3 class="card-title">The cheapest answers <span class="term small">correct classes '
        "down, answers across</span></h3>"
        '<div class="scroll"><table class="table"><thead><tr><th>Correct class</th>'
        f"{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )
