"""How the model stands in the field: one line, and after a change what to look at."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.field.kept import newest
from core.field.standing import Standing, accept, standing_of
from core.field.watch import Alarm
from core.projects import RunRow
from core.settings import get_settings
from core.web.paths import address
from pages.components import text
from pages.components.permission import allowed
from pages.components.placeholder import placeholder

SHOWN = 12


def day(seconds: float, *, year: bool = False) -> str:
    """A day as the clock beside the browser shows it: "12 Nov"."""
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    when = datetime.fromtimestamp(seconds, zone)
    return f"{when.day} {when:%b %Y}" if year else f"{when.day} {when:%b}"


def standing(run: RunRow) -> Standing:
    """What the watch says; looked at again when an answer was added."""
    settings = get_settings()
    return _standing(run.id, newest(run.id, settings))


@st.cache_resource(max_entries=16, show_spinner=False)
def _standing(run_id: str, kept: tuple[int, int]) -> Standing:
    # `kept` is part of the key: Streamlit leaves out what begins with an underscore.
    return standing_of(run_id, get_settings())


@placeholder
def how_it_stands(project: str, run: RunRow) -> None:
    """The line, with what changed."""
    found = standing(run)
    st.html(f'<p class="score-words" role="status">{in_one_line(found)}</p>')
    st.html(f'<p class="muted small">{_compared(found)}</p>')
    if found.watched.alarm:
        _look(project, found)
        if allowed():
            st.button(
                "This is fine: compare with these from now on",
                icon=":material/check:",
                on_click=_accept,
                args=(run.id,),
            )


def in_one_line(found: Standing) -> str:
    """How it stands, as HTML."""
    alarm = found.watched.alarm
    if alarm:
        since = day(found.changed[0].answered_at)
        return f"Something changed since {since}: {what_changed(alarm)}."
    n = text.count(found.watched.n, "image")
    if found.accepted_at:
        return f"No change since {day(found.accepted_at)}: {n} watched, no alarm."
    if not found.watched.n:
        return "No image was watched yet."
    return f"As good as promised so far: {n} watched, no alarm."


def what_changed(alarm: Alarm) -> str:
    """What is different, as HTML."""
    before, now = text.percent(alarm.before), text.percent(alarm.now)
    match alarm.signal:
        case "confidence":
            return f"confidence is lower, {now} on average instead of {before}"
        case "unknown":
            return f"{now} of the images are called unknown instead of {before}"
        case "classes":
            return f"{now} of the answers are {text.bdi(alarm.label, 40)} instead of {before}"


def _compared(found: Standing) -> str:
    n = text.count(found.reference, "answer")
    with_what = "from when you said that all is fine" if found.accepted_at else "on test images"
    return (
        f"Compared with {n} {with_what}: confidence, unknown images and how often each class is "
        "answered. In 100 quiet months at most one false alarm is expected. Only an audit tells "
        "how many answers are right."
    )


def _look(project: str, found: Standing) -> None:
    rows = [row for row in found.to_look_at if row.image][:SHOWN]
    if not rows:
        st.html('<p class="muted small">No images are kept, so there are none to look at.</p>')
        return
    said = "this one" if len(rows) == 1 else f"these {len(rows)}"
    st.html(f"<p>Look at {said}, or audit.</p>")
    figures = "".join(
        f'<figure><img src="{address("field", project, row.image)}?small" alt="" loading="lazy">'
        f"<figcaption>{'Unknown' if row.unknown else text.bdi(row.label, 40)} "
        f"{text.percent(row.confidence)}</figcaption></figure>"
        for row in rows
    )
    st.html(f'<div class="gallery">{figures}</div>')


def _accept(run_id: str) -> None:
    accept(run_id, get_settings())
    _standing.clear()
