"""Text from outside inside Markdown that is written to a file."""

import re
import string
import unicodedata

_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_HARMLESS = set("-,'./=;\"?%")


def escaped(text: str, longest: int = 120) -> str:
    """Text from outside as one line of Markdown in which nothing is markup or a link."""
    line = "".join(c for c in " ".join(text.split()) if unicodedata.category(c)[0] != "C")
    if len(line) > longest:
        line = line[:longest] + "…"
    text = "".join(
        _HTML.get(c) or (f"\\{c}" if c in string.punctuation and c not in _HARMLESS else c)
        for c in line
    )
    return re.sub(r"(?i)(www)\.", r"\1\\.", text)  # some renderers make a link of www. alone
