"""Every sentence of the program that may come to the screen, found in its source.

A message is what the browser shows in one piece: a string, or of a string with tags the text
between two of them and what stands in an attribute that is read (`title`, `alt`, `placeholder`,
`aria-label`, `data-says`). What is filled in is a placeholder, `{name}`.
"""

import ast
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
_NOT_ON_SCREEN = (
    "core/cli", "core/language", "core/projects/migrations", "core/settings.py", "core/__main__.py",
    "core/logs.py", "core/telemetry.py", "core/web/middleware.py", "core/server", "core/sandbox",
    "core/tensors.py", "core/web/openapi.py", "core/backup", "core/log_form.py",
    "core/web/health.py", "core/web/metrics.py",
    *(f"core/export/{name}" for name in (
        "b", "d", "fig", "fonts", "html", "ima", "mar", "model", "pdf", "pre", "report", "right"
    )),
)  # fmt: skip
_NOT_SAID = re.compile(
    r"(_?logger|logging|log|re|warnings|sql|text)\.(?!count)\w+|compile|_words|sa\.\w+"
)
"""Calls whose own strings are no sentences."""
_ATTRIBUTES = re.compile(r'\b(?:title|alt|placeholder|aria-label|data-says)=["\']([^"\']*)["\']')
_TAG = re.compile(r"<[/!]?[a-zA-Z][^<>]*>|<!--.*?-->|\0", re.DOTALL)
_STYLE = re.compile(r"<(style|script|svg)\b.*?</\1>", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_FORMATTED = re.compile(r"\{(\w*)[:!][^{}]*\}")
_WORD = re.compile(r"[A-Za-zÀ-ÿ’']{2,}")
_TITLE = re.compile(r"[A-Z][a-z]+(-[a-z]+)?( …)?")
_SENTENCE = re.compile(r"[A-Za-z“(★\d{+~↑\"',.:;][^_=<>|\\]*")
_CODE = re.compile(
    r"[{;]\s*$|^\s*[.#@]|\w+\(|::|--\w|\b(px|rem|var|SELECT|INSERT|UPDATE|PRAGMA)\b"
    r"|\bst-key|/\w+/|^\w+ \w+=|\\[dw]"
    r"|\w\[|%[sdrc]\b|^'|'none'"
)
_MARKDOWN = re.compile(r"^\s*(?:[#*-]+|\d+\.) |\*\*|[`*|]")
_JS_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')


class Message(NamedTuple):
    """One piece of text and where it stands."""

    text: str
    place: str
    """File and line, for whoever translates."""


def messages(root: Path = ROOT) -> list[Message]:
    """All of them, each once, in the order of the files."""
    found: dict[str, str] = {}
    for file in [*sorted((root / "pages").rglob("*")), *sorted((root / "core").rglob("*.py"))]:
        name = file.relative_to(root).as_posix()
        if name.startswith(_NOT_ON_SCREEN):
            continue
        for text, line in _of_file(file):
            found.setdefault(text, f"{name}:{line}")
    return [Message(text, place) for text, place in found.items()]


def placeholders(text: str) -> list[str]:
    """Their names, in order."""
    return _PLACEHOLDER.findall(text)


def _of_file(file: Path) -> Iterator[tuple[str, int]]:
    match file.suffix:
        case ".py":
            yield from _of_python(file)
        case ".js":
            yield from _of_javascript(file.read_text(encoding="utf-8"))
        case ".html":
            yield from _between_tags(file.read_text(encoding="utf-8"), 1, titles=True)
        case ".md":
            for number, line in enumerate(_paragraphs(file.read_text(encoding="utf-8")), 1):
                for piece in _MARKDOWN.split(line):
                    yield from _said(piece, number, titles=True)


def _of_python(file: Path) -> Iterator[tuple[str, int]]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    passed_over = {id(each) for node in ast.walk(tree) for each in _no_sentences(node)}
    titles = "pages" in file.parts or file.parent.name != "core"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("text.count", "count"):
            yield from ((f"{{n}} {each}", node.lineno) for each in _counted(node))
        if not isinstance(node, ast.expr) or id(node) in passed_over:
            continue
        if template := _template(node):
            yield from _between_tags(template, node.lineno, titles=titles)


def _no_sentences(node: ast.AST) -> Iterator[ast.AST]:
    """What hangs on a node and is not said by itself: docstrings, pieces of strings, log lines."""
    match node:
        case ast.Expr(value=ast.Constant() as docstring):
            yield docstring
        case ast.JoinedStr(values=pieces):
            yield from pieces
            for piece in pieces:
                if isinstance(piece, ast.FormattedValue) and piece.format_spec:
                    yield from ast.walk(piece.format_spec)
        case ast.BinOp(op=ast.Add(), left=left, right=right) if _is_text(node):
            yield from (left, right)
        case ast.Call(func=func, args=args) if _NOT_SAID.fullmatch(ast.unparse(func)):
            yield from args
        case ast.Call(func=func, keywords=keywords):
            yield from (
                k.value for k in keywords if k.arg in ("key", "icon", "type", "kind", "pattern")
            )
        case ast.AnnAssign(annotation=hint) | ast.arg(annotation=hint) if hint:
            yield from ast.walk(hint)
        case ast.FunctionDef(returns=hint) | ast.AsyncFunctionDef(returns=hint) if hint:
            yield from ast.walk(hint)
        case ast.Subscript(slice=key):
            yield key
        case ast.Attribute(value=listed, attr="split"):
            yield from ast.walk(listed)
        case ast.Compare(comparators=others):
            yield from others


def _counted(node: ast.Call) -> list[str]:
    words = [
        a.value for a in node.args[1:] if isinstance(a, ast.Constant) and isinstance(a.value, str)
    ]
    return [words[0], words[1] if len(words) > 1 else words[0] + "s"] if words else []


def _is_text(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _is_text(left) or _is_text(right)
    return False


def _template(node: ast.AST) -> str:
    """A string, an f-string or a sum of them with its placeholders; empty for anything else. A name
    that has an element of its own parts it."""
    if not _is_text(node):
        return ""
    pieces, used = [], set[str]()
    for piece in _pieces(node):
        if isinstance(piece, str):
            pieces.append(piece)
        elif ast.unparse(piece).startswith(("text.bdi(", "bdi(")):
            pieces.append("\0")
        else:
            name = _name(piece)
            while name in used:
                name += "_"
            used.add(name)
            pieces.append(f"{{{name}}}")
    return "".join(pieces)


def _pieces(node: ast.AST) -> Iterator[str | ast.expr]:
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=values):
            for value in values:
                yield from _pieces(value.value if isinstance(value, ast.FormattedValue) else value)
        case ast.BinOp(left=left, right=right) if _is_text(node):
            yield from _pieces(left)
            yield from _pieces(right)
        case ast.expr():
            yield node


def _name(value: ast.expr) -> str:
    """A short name for what is filled in."""
    match value:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_")
        case ast.Call(func=ast.Attribute(attr="count") | ast.Name(id="count")):
            return "counted"
        case ast.Call(args=[first, *_]):
            return _name(first)
        case ast.BinOp(right=right):
            return _name(right)
        case ast.Subscript(value=of):
            return _name(of)
    return "value"


def _paragraphs(markdown: str) -> list[str]:
    """Each heading, paragraph and item of a list on one line."""
    apart = re.sub(r"(?m)^(#+ .*)$", r"\n\1\n", markdown)
    return re.split(r"\n\s*\n|\n(?=\s*(?:[#*|-]|\d+\.) ?)", apart)


def _between_tags(text: str, line: int, *, titles: bool) -> Iterator[tuple[str, int]]:
    text = _STYLE.sub("\0", text)
    for attribute in _ATTRIBUTES.findall(text) if "<" in text else ():
        yield from _said(attribute, line, titles=titles)
    for piece in _TAG.split(text):
        yield from _said(piece or "", line, titles=titles)


def _said(text: str, line: int, *, titles: bool) -> Iterator[tuple[str, int]]:
    text = " ".join(unescape(_FORMATTED.sub(r"{\1}", text)).split())
    literal = _PLACEHOLDER.sub("{}", text)
    if not _WORD.search(literal) or not _SENTENCE.fullmatch(literal) or _CODE.search(literal):
        return
    if len(text.split()) > 1 or (titles and _TITLE.fullmatch(text)):
        yield text, line


def _of_javascript(source: str) -> Iterator[tuple[str, int]]:
    for found in _JS_STRING.finditer(re.sub(r"(?m)(^|\s)//.*$", "", source)):
        raw = found[1] if found[1] is not None else _filled_in(found[2])
        if raw[:1].isupper() or (" " in raw.strip() and raw[:1] == "{"):
            yield from _between_tags(raw, source.count("\n", 0, found.start()) + 1, titles=True)


def _filled_in(literal: str) -> str:
    names = iter("abcdefgh")
    return re.sub(r"\$\{(?:[^{}]|\{[^{}]*\})*\}", lambda _: f"{{{next(names)}}}", literal)
