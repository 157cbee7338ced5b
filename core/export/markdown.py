"""Text from outside inside Markdown that is written to a file; and such Markdown as HTML."""

import re
import string
import unicodedata
from html import escape

_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_HARMLESS = set("-,'./=;\"?%")


def escaped(text: str, longest: int = 120) -> str:
    """Text from outside as one line of Markdown in which nothing is markup or a link."""
    text = "".join(
        _HTML.get(c) or (f"\\{c}" if c in string.punctuation and c not in _HARMLESS else c)
        for c in one_line(text, longest)
    )
    return re.sub(r"(?i)(www)\.", r"\1\\.", text)  # some renderers make a link of www. alone


def one_line(text: str, longest: int = 120) -> str:
    """Without line breaks and control characters, which could turn the words around it."""
    line = "".join(c for c in " ".join(text.split()) if unicodedata.category(c)[0] != "C")
    return line if len(line) <= longest else line[:longest] + "…"


_INLINE = re.compile(
    r"\\(?P<literal>.)|&(?P<entity>amp|lt|gt);|`(?P<code>[^`]*)`|(?P<plain>.)", re.DOTALL
)


def in_html(text: str, longest: int = 120) -> str:
    """Text from outside as one line of HTML, between tags or in a quoted attribute."""
    return escape(one_line(text, longest))


def as_html(text: str, *, lowest: int = 1) -> str:
    """The Markdown that cards and sheets here are written in, as HTML: headings, paragraphs, lists,
    tables, code. Whatever else it holds stays text.

    `lowest` is the level of the first heading: 2 makes `#` an h2.
    """
    blocks: list[str] = []
    for block in re.split(r"\n{2,}", text.strip()):
        lines = block.split("\n")
        while lines and lines[0].startswith("#"):
            marks, _, words = lines.pop(0).partition(" ")
            level = min(6, len(marks) + lowest - 1)
            blocks.append(f"<h{level}>{_inline(words)}</h{level}>")
        if lines:
            blocks.append(_block(lines))
    return "\n".join(blocks)


def _block(lines: list[str]) -> str:
    if lines[0].startswith("```"):
        return f"<pre>{escape(chr(10).join(line for line in lines if line[:3] != '```'))}</pre>"
    if lines[0].startswith("|"):
        return _table(lines)
    if not any(line.lstrip().startswith("- ") for line in lines):
        return f"<p>{_inline(' '.join(lines))}</p>"
    made, depth = [], 0
    for line in lines:
        stripped = line.lstrip()
        if not stripped.startswith("- "):  # the item goes on
            made.append(f" {_inline(stripped)}")
            continue
        inside = 2 if line.startswith("    ") else 1
        made += ["<ul>"] * (inside - depth) + ["</ul>"] * (depth - inside)
        depth = inside
        made.append(f"<li>{_inline(stripped[2:])}")
    return "".join(made) + "</ul>" * depth


def _table(lines: list[str]) -> str:
    rows = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in lines if "|---" not in line]
    head = "".join(f"<th>{_inline(cell.strip())}</th>" for cell in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{_inline(cell.strip())}</td>" for cell in row) + "</tr>"
        for row in rows[1:]
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _inline(text: str) -> str:
    def shown(match: re.Match[str]) -> str:
        if match["entity"]:
            return match[0]
        if match["code"] is not None:
            return f"<code>{escape(match['code'])}</code>"
        return escape(match["literal"] or match["plain"])

    return _INLINE.sub(shown, text)
