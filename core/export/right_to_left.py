"""Text of scripts that run from right to left, as a layout without a shaping engine needs it.

Arabic letters become the forms that they have in a word (Unicode's Arabic Presentation Forms), and
the pieces of a line come into the order in which they are seen (Unicode Standard Annex 9).
"""

import unicodedata
from functools import cache

from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection

_FORMS = (*range(0xFB50, 0xFDD0), *range(0xFE70, 0xFEFD))
_LAM, _TATWEEL = "\u0644", "\u0640"
_RIGHT_TO_LEFT = ("R", "AL")
_TAGS = ("<isolated>", "<final>", "<initial>", "<medial>")


def as_seen(text: str) -> str:
    """The text in the order in which it is seen from left to right; other text stays as it is."""
    if not any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in text):
        return text
    return "\n".join(map(_line_as_seen, text.split("\n")))


def _line_as_seen(line: str) -> str:
    if not line:
        return line
    pieces = BidiParagraph(joined(line), base_direction=TextDirection.LTR).get_bidi_fragments()
    return "".join(
        _turned(piece) if direction == TextDirection.RTL else piece for piece, direction in pieces
    )


def _turned(piece: str) -> str:
    """From the last letter to the first, each with the marks that belong to it."""
    clusters: list[str] = []
    for letter in piece:
        if unicodedata.combining(letter) and clusters:
            clusters[-1] += letter
        else:
            clusters.append(letter)
    return "".join(reversed(clusters))


def joined(text: str) -> str:
    """Arabic letters as they are written beside their neighbours."""
    shown: list[str] = []
    before = ""
    place = 0
    while place < len(text):
        letter = text[place]
        place += 1
        if unicodedata.category(letter) == "Mn":  # a mark stands between two letters that join
            shown.append(letter)
            continue
        after = next((x for x in text[place:] if unicodedata.category(x) != "Mn"), "")
        is_joined = _joins_next(before) and _joins_before(letter)
        if letter == _LAM and (both := _forms().get(letter + text[place : place + 1])):
            shown.append(both[_TAGS[is_joined]])
            before = text[place]
            place += 1
            continue
        tag = _TAGS[is_joined + 2 * (_joins_next(letter) and _joins_before(after))]
        shown.append(_forms().get(letter, {}).get(tag, letter))
        before = letter
    return "".join(shown)


def _joins_next(letter: str) -> bool:
    return letter == _TATWEEL or "<initial>" in _forms().get(letter, {})


def _joins_before(letter: str) -> bool:
    return letter == _TATWEEL or "<final>" in _forms().get(letter, {})


@cache
def _forms() -> dict[str, dict[str, str]]:
    """By a letter, or lam with an alef, its forms by Unicode's tag."""
    found: dict[str, dict[str, str]] = {}
    for code in _FORMS:
        tag, *codes = unicodedata.decomposition(chr(code)).split() or [""]
        base = "".join(chr(int(each, 16)) for each in codes)
        is_lam_alef = len(base) == 2 and base[0] == _LAM and base[1] in "\u0622\u0623\u0625\u0627"
        if tag in _TAGS and (len(base) == 1 or is_lam_alef):
            found.setdefault(base, {}).setdefault(tag, chr(code))
    return found
