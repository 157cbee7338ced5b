"""Text from outside (class names, file names, titles) made safe to show: always as text.

`markdown` is for labels and st.markdown, `html` for st.html, `plotly` for chart labels, which
understand tags too. All shorten what is endless, drop control characters, and keep right-to-left
names from turning the sentence around them.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from html import escape

from core.evaluation.metrics import Interval, in_words

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_UNSEEN = ("Cc", "Cf", "Cs", "Co")
_JOINS = "\u200c\u200d"  # these two shape Persian words and compound emoji
_JOINER = "\u2060"  # word joiner: invisible, no width
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"


def plain(text: str, longest: int = 80) -> str:
    """The text on one line, without control characters, at most `longest` characters."""
    one_line = " ".join(text.split())
    kept = "".join(c for c in one_line if c in _JOINS or unicodedata.category(c) not in _UNSEEN)
    kept = kept or "(no name)"
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"


def apart(shown: Sequence[str]) -> list[str]:
    """The same texts, with a number where one was there before: "Apple", "Apple (2)".

    For lists to choose from: Streamlit knows a choice by the text shown for it, so of two that
    look alike it may take the wrong one.
    """
    kept: dict[str, None] = {}
    for one in shown:
        label, n = one, 1
        while label in kept:
            n += 1
            label = f"{one} ({n})"
        kept[label] = None
    return list(kept)


def among(names: Sequence[str], longest: int = 80) -> Callable[[str], str]:
    """How each of these names is shown in a list to choose from; new names as plain text."""
    shown = dict(zip(names, apart([plain(name, longest) for name in names]), strict=True))
    return lambda name: shown.get(name) or plain(name, longest)


def markdown(text: str, longest: int = 80) -> str:
    """For st.markdown and widget labels: no markup, directive, formula, shortcode or link.

    A backslash covers what Markdown itself parses. Emoji shortcodes, colour directives and bare
    addresses are looked for afterwards in the finished text, hence the joiners.
    """
    kept = plain(text, longest)
    kept = re.sub(r"(?<=[:.@])|(?=[:@])|(?<=/)(?=/)", _JOINER, kept)
    kept = re.sub(r"(?i)(?<=w)(?=ww)", _JOINER, kept)
    return _ISOLATE + _PUNCTUATION.sub(r"\\\1", kept) + _END_ISOLATE


def html(text: str, longest: int = 80) -> str:
    """For st.html, between tags or in a quoted attribute."""
    return escape(plain(text, longest), quote=True)


def bdi(text: str, longest: int = 80) -> str:
    """For st.html between tags: the name in an element that isolates its direction."""
    whole = escape(plain(text, 400), quote=True)
    return f'<bdi title="{whole}">{html(text, longest)}</bdi>'


def plotly(text: str, longest: int = 30) -> str:
    """For labels, ticks and hover text of charts."""
    return escape(plain(text, longest), quote=False).replace("$", "&#36;")


def count(n: int, one: str, many: str = "") -> str:
    """ "1 image", "1,204 images"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """A probability for people: never "100 %" for what is not certain."""
    if share > 0.99:
        return "over 99 %"
    return "under 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def likely(interval: Interval) -> str:
    """An interval of shares as people say it: "likely 83–94 %"."""
    return f"likely {in_words(interval)}"


def duration(seconds: float) -> str:
    """A time that a person reads at once: "about 40 seconds", "about 3 minutes"."""
    if seconds < 1.5:
        return "about a second"
    if seconds < 90:
        step = 1 if seconds < 20 else 5
        return f"about {round(seconds / step) * step} seconds"
    minutes = seconds / 60
    if minutes < 90:
        return f"about {round(minutes)} minutes"
    return f"about {minutes / 60:.1f} hours"
