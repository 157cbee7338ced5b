"""A document as one HTML page that needs nothing else: no script, nothing fetched."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from core.export.blocks import (
    Block,
    BulletList,
    Cell,
    Code,
    Diagram,
    Heading,
    Image,
    Images,
    ListItem,
    Paragraph,
    Span,
    Table,
    Text,
)

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_TAGS = {"strong": "b", "code": "code"}


def page(title: str, blocks: Iterable[Block]) -> str:
    """The whole page."""
    style = Path(__file__).with_name("document.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style></head>\n"
        f"<body>\n{html(blocks)}\n</body></html>\n"
    )


def html(blocks: Iterable[Block]) -> str:
    """The blocks one below the other."""
    return "\n".join(map(_block, blocks))


def _block(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"<h{level}>{_text(text)}</h{level}>"
        case Paragraph(text, role):
            kind = "" if role == "body" else f' class="{role}"'
            return f"<p{kind}>{_text(text)}</p>"
        case BulletList(items):
            return _list(items)
        case Code(code):
            return f"<pre>{escape(code)}</pre>"
        case Table():
            return _table(block)
        case Images(images):
            return f'<div class="images">{"".join(map(_image, images))}</div>'
        case Diagram(svg):
            return svg


def _text(text: Text) -> str:
    return "".join(map(_span, text))


def _span(span: Span) -> str:
    words = escape(span.text).replace("\n", "<br>")
    if span.style == "soft":
        return f'<span class="soft">{words}</span>'
    tag = _TAGS.get(span.style)
    return f"<{tag}>{words}</{tag}>" if tag else words


def _list(items: Sequence[ListItem]) -> str:
    inside = "".join(
        f"<li>{_text(item.text)}{_list(item.items) if item.items else ''}</li>" for item in items
    )
    return f"<ul>{inside}</ul>"


def _table(table: Table) -> str:
    head = "".join(_cell(cell, "th") for cell in table.head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    kind = ' class="matrix"' if table.is_matrix else ""
    return (
        f'<div class="scroll"><table{kind}>{f"<thead><tr>{head}</tr></thead>" if head else ""}'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(cell: Cell, tag: str = "") -> str:
    tag = tag or ("th" if cell.is_heading else "td")
    kind = ' class="number"' if cell.is_number else ""
    kind = ' class="diagonal"' if cell.is_diagonal else kind
    return f"<{tag}{kind}>{_text(cell.text)}</{tag}>"


def _image(image: Image) -> str:
    return (
        f'<figure><img src="{escape(image.address)}" alt="{escape(image.alt)}"><figcaption>'
        f"{_text(image.caption)}</figcaption></figure>"
    )
