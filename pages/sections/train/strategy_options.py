"""What the ways to learn are called, and the widgets for their options."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.strategies import strategies as all_strategies
from core.transfer.option_info import OptionInfo
from core.transfer.strategy import Strategy
from pages.components import text


def strategy_title(name: str) -> str:
    """The title of a strategy, or its name when this version does not know it."""
    known = all_strategies()
    return known[name].title if name in known else name


PARTS = ("early layers", "middle layers", "late layers", "classifier")
BECOME = {
    "frozen": "not trained",
    "little": "few weights trained",
    "held": "trained, kept near the start",
    "learns": "fully trained",
    "anew": "trained from scratch",
}


SAID = {
    "plain": "Gently (plain)",
    "trivial": "One strong change at a time (TrivialAugment)",
    "rand": "Several changes (RandAugment)",
    "auto": "Try it out first",
    "yes": "Yes",
    "no": "No",
}
"""What choices of options are called on the screen."""


def said(choice: str) -> str:
    """A choice in plain words; as it is where there are none for it."""
    return SAID.get(choice, choice)


def layers(strategy: Strategy) -> str:
    """A small drawing of the network from the image to the answer: what learns, what stays."""
    said = "; ".join(
        f"{part}: {BECOME[layer]}" for part, layer in zip(PARTS, strategy.layers, strict=True)
    )
    blocks = "".join(
        f'<i class="{layer}" style="height:{height}%"></i>'
        for layer, height in zip(strategy.layers, (100, 76, 52, 30), strict=True)
    )
    learned = "".join(
        f'<span><i class="{layer}"></i>{BECOME[layer]}</span>'
        for layer in dict.fromkeys(strategy.layers)
    )
    return (
        f'<div class="layers" role="img" aria-label="{said}" title="{said}">{blocks}</div>'
        f'<p class="layers-key small muted" aria-hidden="true">{learned}</p>'
    )


def option(
    info: OptionInfo, key: str, tasks: Sequence[str] = (), classes: Sequence[str] = ()
) -> Any:
    """The widget of one option; gives what was chosen. `tasks` are the label columns there are."""
    key = f"{key}-{info.name}"
    if info.type == "weights":
        return _weights(info, key, tasks)
    if info.type == "texts":
        return _texts(info, key, classes)
    if info.choices:
        at = list(info.choices).index(info.default)
        return st.selectbox(
            info.title, info.choices, index=at, format_func=said, help=info.help, key=key
        )
    if info.type == "bool":
        return st.toggle(info.title, value=info.default, help=info.help, key=key)
    if info.type == "number-or-auto":
        return _number_or_auto(info, key)
    return _number(info, key)


def _weights(info: OptionInfo, key: str, tasks: Sequence[str]) -> dict[str, float]:
    """A number for each label column; those that count as usual are left out."""
    st.markdown(info.title, help=info.help)
    chosen = {
        task: st.number_input(text.plain(task, 40), 0.0, 100.0, 1.0, 0.25, key=f"{key}-{number}")
        for number, task in enumerate(tasks)
    }
    return {task: weight for task, weight in chosen.items() if weight != 1}


def _texts(info: OptionInfo, key: str, classes: Sequence[str]) -> dict[str, str]:
    """Some words for each class; what is left empty is left out."""
    st.markdown(info.title, help=info.help)
    rows = st.data_editor(
        [{"class": text.plain(name), "words": ""} for name in classes],
        column_config={
            "class": st.column_config.TextColumn("Class", disabled=True),
            "words": st.column_config.TextColumn("Words", max_chars=300),
        },
        hide_index=True,
        key=key,
    )
    said = [(row["words"] or "").strip() for row in rows]
    return {name: words for name, words in zip(classes, said, strict=True) if words}


def _number(info: OptionInfo, key: str) -> Any:
    kind = int if info.type == "int" else float
    lowest, highest = (None if b is None else kind(b) for b in (info.minimum, info.maximum))
    if kind is float and lowest is not None and highest and highest <= 1 and info.default >= 0.1:
        step = 0.05 if round(info.default % 0.05, 6) in (0, 0.05) else 0.01
        at_least = lowest + step * info.exclusive[0]
        at_most = highest - step * info.exclusive[1]
        return st.slider(info.title, at_least, at_most, info.default, step, help=info.help, key=key)
    return st.number_input(
        info.title,
        lowest,
        highest,
        value=kind(info.default),
        format=None if kind is int else "%g",
        step=_step(kind(info.default)) if kind is float else None,
        help=info.help,
        key=key,
    )


def _number_or_auto(info: OptionInfo, key: str) -> float | None:
    """Left empty, the number is chosen automatically."""
    lowest, highest = (None if b is None else float(b) for b in (info.minimum, info.maximum))
    number: float | None = st.number_input(
        info.title,
        lowest,
        highest,
        value=info.default,
        format="%g",
        step=0.01,
        placeholder="chosen automatically",
        help=info.help,
        key=key,
    )
    return number


def _step(value: float) -> float:
    """A tenth of the value's own magnitude, so that a learning rate of 0.0003 can be changed."""
    if not value:
        return 0.01
    return float(f"{abs(value) / 10:.0e}")


def changed(chosen: Mapping[str, Any], infos: list[OptionInfo]) -> dict[str, Any]:
    """Only what differs from the defaults; that alone belongs into the recipe."""
    defaults = {info.name: info.default for info in infos}
    return {name: value for name, value in chosen.items() if value != defaults[name]}
