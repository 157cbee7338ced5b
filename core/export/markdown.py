"""Text from outside inside Markdown that is written to a file; and such Markdown as blocks."""

import re
import string
import unicodedata
from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from core.export.blocks import (
    Block,
    BulletList,
    Cell,
    Code,
    Heading,
    ListItem,
    Paragraph,
    Span,
    Style,
    Table,
    Text,
)

_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_HARMLESS = set("-,'./=;\"?%")


def escaped(text: str, longest: int = 120) -> str:
    """Text from outside as one line of Markdown in which nothing is markup or a link."""
    text = "".join(
        _HTML.get(c) or (f"\\{c}" if c in string.punctuation and c not in _HARMLESS else c)
        for c in one_line(text, longest)
    )
    text = re.sub(r"^(\d*)([.=-])", r"\1\\\2", text)  # at the start these make lists and headings
    return re.sub(r"(?i)(www)\.", r"\1\\.", text)  # some renderers make a link of www. alone


def one_line(text: str, longest: int = 120) -> str:
    """Without line breaks and control characters, which could turn the words around it."""
    line = "".join(c for c in " ".join(text.split()) if unicodedata.category(c)[0] != "C")
    return line if len(line) <= longest else line[:longest] + "…"


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def blocks_of(markdown: str, *, highest: int = 1) -> list[Block]:
    """The Markdown that cards and sheets here are written in: headings, paragraphs, bullet lists,
    tables, code. HTML in it stays text.

    `highest` is the level of a heading of level 1: 2 makes `#` an h2.
    """
    root = SyntaxTreeNode(_parser().parse(markdown))
    return [block for node in root.children for block in _blocks(node, highest)]


def _blocks(node: SyntaxTreeNode, highest: int) -> Iterator[Block]:
    match node.type:
        case "heading":
            yield Heading(min(4, int(node.tag[1:]) + highest - 1), _inline(node))
        case "paragraph":
            yield Paragraph(_inline(node))
        case "bullet_list" | "ordered_list":
            yield BulletList(_items(node))
        case "fence" | "code_block":
            yield Code(node.content.strip("\n"))
        case "table":
            yield _table(node)
        case _:
            for child in node.children:
                yield from _blocks(child, highest)


def _items(node: SyntaxTreeNode) -> tuple[ListItem, ...]:
    found = []
    for item in node.children:
        below = [child for child in item.children if child.type.endswith("_list")]
        words = [_inline(child) for child in item.children if child.type == "paragraph"]
        text = tuple(span for spans in words for span in spans)
        found.append(ListItem(text, tuple(one for child in below for one in _items(child))))
    return tuple(found)


def _table(node: SyntaxTreeNode) -> Table:
    rows = [row for part in node.children for row in part.children]
    cells = [tuple(Cell(_inline(cell)) for cell in row.children) for row in rows]
    return Table(cells[0], tuple(cells[1:]))


def _inline(node: SyntaxTreeNode, style: Style = "plain") -> Text:
    match node.type:
        case "text":
            return (Span(node.content, style),) if node.content else ()
        case "code_inline":
            return (Span(node.content, "code"),)
        case "softbreak" | "hardbreak":
            return (Span(" ", style),)
        case "strong":
            style = "strong"
    return tuple(span for child in node.children for span in _inline(child, style))
