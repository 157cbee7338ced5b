"""Pages without Streamlit and without a script, for whoever is not let in yet; in Graft's look and
in the browser's language."""

from collections.abc import Callable
from html import escape
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse

from core.language.catalogues import LANGUAGES, catalogue

Say = Callable[[str], str]
"""A sentence of the source in the reader's language, escaped for HTML."""

_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1d2620, #e9ede8);
  --soft: light-dark(#5a645c, #a5b0a8); --line: light-dark(#8b948d, #6d7a72);
  --ground: light-dark(#fcfbf7, #131815); --paper: light-dark(#ffffff, #1a211d);
  --leaf: light-dark(#24694b, #6dbf97); --on-leaf: light-dark(#ffffff, #0b1410);
  --rust: light-dark(#a83a2a, #ec9488); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 "Source Sans", "Source Sans Pro", system-ui, sans-serif; }
main { max-width: 25rem; margin: 0 auto; padding: 12vh 1.25rem 3rem; }
.brand, h1 { font-family: "Source Serif", Georgia, serif; font-weight: 600; }
.brand { color: var(--leaf); font-size: 1.35rem; margin: 0 0 1.5rem; }
h1 { font-size: 2.1rem; line-height: 1.25; margin: 0 0 1rem; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.wrong { color: var(--rust); font-weight: 600; }
label { display: block; margin: 0 0 1rem; font-weight: 600; }
form { margin: 0 0 1.25rem; }
input { display: block; width: 100%; margin-top: .3rem; padding: .6rem .75rem; font: inherit;
  font-weight: 400; color: inherit; background: var(--paper); border: 1px solid var(--line);
  border-radius: .6rem; }
button, .button { display: inline-block; padding: .6rem 1.2rem; font: inherit; font-weight: 600;
  border: 0; border-radius: .6rem; background: var(--leaf); color: var(--on-leaf); cursor: pointer;
  text-decoration: none; }
a { color: var(--leaf); }
:is(a, button, input):focus-visible { outline: 3px solid var(--leaf); outline-offset: 2px; }
"""
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect "
    "width='32' height='32' rx='8' fill='%2324694b'/%3E%3Cpath d='M16 27V15' stroke='%23fcfbf7' "
    "stroke-width='2.6'/%3E%3C/svg%3E"
)


def language_of(headers: Headers) -> str:
    """The first language of the browser's that there is."""
    wanted = []
    for part in headers.get("accept-language", "")[:500].split(","):
        name, _, rank = part.partition(";q=")
        try:
            wanted.append((-float(rank or 1), name.strip()[:2].lower()))
        except ValueError:
            continue
    ranked = [name for _, name in sorted(wanted, key=lambda each: each[0])]
    return next((name for name in ranked if name in LANGUAGES), "en")


def speaking(language: str) -> Say:
    """How sentences are said in a language."""
    known = catalogue(language) if language != "en" else {}
    return lambda sentence: escape(known.get(sentence, sentence))


def page(
    language: str,
    title: str,
    body: str,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    onward: str = "",
) -> HTMLResponse:
    """A page of its own. `title` is a sentence of the source, `body` HTML; `onward` an address that
    the browser goes to by itself."""
    said = speaking(language)(title)
    refresh = f'<meta http-equiv="refresh" content="0; url={escape(onward)}">' if onward else ""
    # Without a referrer a form would not tell which page it is from: its Origin would be “null”.
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="referrer" content="same-origin">{refresh}'
        f'<title>{said} · Graft</title><link rel="icon" href="{_ICON}"><style>{_STYLE}</style>'
        f'</head><body><main><p class="brand" translate="no">Graft</p><h1>{said}</h1>{body}</main>'
        "</body></html>"
    )
    return HTMLResponse(html, status, {"Cache-Control": "no-store"})
