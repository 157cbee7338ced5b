"""An audit: one image at a time, two taps or two keys each."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.errors import GraftError
from core.field.audit import LARGEST, SIZE, Audit, Audited, Decision, begin, record, waiting
from core.projects import RunRow
from core.settings import get_settings
from core.web.paths import address
from pages.components import text
from pages.components.permission import only_for
from pages.components.placeholder import placeholder

WRONG = "wrong"
"""What the address calls the answer that was found wrong and has no class yet."""
MOST_BUTTONS = 12
_REFUSED = "audit_refused"
STYLE = Path(__file__).parent / "audit.css"


@placeholder
def audit_steps(project: str, run: RunRow, audits: Sequence[Audit], classes: Sequence[str]) -> None:
    """The image to look at next; between two audits the button that begins one."""
    st.html(STYLE)
    if refused := st.session_state.pop(_REFUSED, ""):
        st.error(text.markdown(refused, 400), icon=":material/error:")
    if audits and audits[0].open:
        _one(project, audits[0], classes)
    else:
        _offer(run)


@only_for()
def _offer(run: RunRow) -> None:
    n = waiting(run.id, get_settings())
    if not n:
        st.html(
            '<p class="muted">There is no image to look at since the last audit. Audits need '
            "images that were used and kept.</p>"
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="audit-offer"):
        most = min(n, LARGEST)
        size = st.number_input("Images to look at", 1, most, min(SIZE, most), key=f"size-{most}")
        st.button(
            "Start an audit",
            type="primary",
            icon=":material/fact_check:",
            on_click=_begin,
            args=(run.id, int(size)),
        )
    said = f"Drawn at random out of {text.count(n, 'image')} used since the last audit."
    if n < SIZE:
        said += f" That is fewer than the usual {SIZE}: the result will say less."
    st.html(f'<p class="muted small">{said}</p>')


@only_for()
def _one(project: str, audit: Audit, classes: Sequence[str]) -> None:
    each = audit.open[0]
    number = len(audit.images) - len(audit.open) + 1
    wrong = st.query_params.get(WRONG) == str(each.answer)
    with st.container(key="audit"):
        st.html(
            f'<p class="muted small" role="status">Image {number} of {len(audit.images)}</p>'
            f'<img class="audit-image" src="{address("field", project, each.image)}" '
            f'alt="Image {number}">{_says(each)}'
        )
        if wrong:
            _which(audit, each, classes)
        else:
            _right_or_wrong(audit, each)


def _says(each: Audited) -> str:
    if each.unknown:
        return '<p class="audit-answer">It says: <b>unknown</b>, none of your classes</p>'
    return (
        f'<p class="audit-answer">It says: <b>{text.bdi(each.label, 60)}</b> '
        f'<span class="muted">{text.percent(each.confidence)}</span></p>'
    )


def _right_or_wrong(audit: Audit, each: Audited) -> None:
    right: Decision = "none" if each.unknown else "class"
    truth = "" if each.unknown else each.label
    key = each.answer
    with st.container(horizontal=True, key="audit-first"):
        _button("Right", f"right-{key}", "y", audit, each, right, truth, primary=True)
        st.button(
            "Wrong", key=f"wrong-{key}", shortcut="n", icon=":material/close:",
            on_click=_mark_wrong, args=(each.answer,),
        )  # fmt: skip
    with st.container(horizontal=True, key="audit-second"):
        _button("Can’t tell", f"skip-{key}", "s", audit, each, "skipped", "")
        decided = [one for one in audit.images if one.decision]
        if decided:
            last = decided[-1]
            _button("Back", f"back-{key}", "b", audit, last, "", "")


def _which(audit: Audit, each: Audited, classes: Sequence[str]) -> None:
    st.html("<p>What is it?</p>")
    others = [label for label in classes if each.unknown or label != each.label]
    with st.container(horizontal=True, key="audit-classes"):
        if len(others) <= MOST_BUTTONS:
            shown = text.apart([text.plain(label, 40) for label in others])
            for n, (label, said) in enumerate(zip(others, shown, strict=True), 1):
                key = str(n) if n < 10 else None
                _button(
                    text.markdown(said, 40), f"is-{n}-{each.answer}", key, audit, each, "class",
                    label,
                )  # fmt: skip
        else:
            _choose(audit, each, others)
        if not each.unknown:
            _button(
                "None of these", f"none-{each.answer}", "0", audit, each, "none", ""
            )  # fmt: skip
        st.button("Back", key=f"not-wrong-{each.answer}", shortcut="b", on_click=_mark_wrong)


def _choose(audit: Audit, each: Audited, others: Sequence[str]) -> None:
    label = st.selectbox(
        "Class", others, index=None, placeholder="Type or choose a class",
        format_func=text.among(others), key=f"class-{each.answer}",
    )  # fmt: skip
    if label:
        _record(audit.id, each.answer, "class", label)
        st.rerun()


def _button(
    label: str,
    key: str,
    shortcut: str | None,
    audit: Audit,
    each: Audited,
    decision: Decision,
    truth: str,
    *,
    primary: bool = False,
) -> None:
    st.button(
        label,
        key=key,
        shortcut=shortcut,
        type="primary" if primary else "secondary",
        on_click=_record,
        args=(audit.id, each.answer, decision, truth),
    )


def _record(audit: str, answer: int, decision: Decision, truth: str) -> None:
    st.query_params.pop(WRONG, None)
    try:
        record(audit, answer, decision, get_settings(), truth=truth)
    except GraftError as error:
        st.session_state[_REFUSED] = str(error)


def _begin(run: str, size: int) -> None:
    try:
        begin(run, get_settings(), size=size)
    except GraftError as error:
        st.session_state[_REFUSED] = str(error)


def _mark_wrong(answer: int | None = None) -> None:
    if answer is None:
        st.query_params.pop(WRONG, None)
    else:
        st.query_params[WRONG] = str(answer)
