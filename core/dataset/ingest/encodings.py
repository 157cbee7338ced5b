"""In which encoding the text of a table was written.

UTF-8 and UTF-16 prove themselves. Every other encoding is a guess by what the words would be,
which the names of the images can put right: see `Table.encoding` and
core.dataset.ingest.recoding.
"""

import re

from charset_normalizer import from_bytes

from core.dataset.ingest.name_encodings import encoding_of

ENCODINGS = {
    "gb18030": "Chinese (GBK)",
    "big5": "Chinese (Big5)",
    "cp932": "Japanese (Shift-JIS)",
    "euc_jp": "Japanese (EUC-JP)",
    "cp949": "Korean (EUC-KR)",
    "cp1252": "Western European (Windows-1252)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Cyrillic (Windows-1251)",
    "koi8_r": "Cyrillic (KOI8-R)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "cp1257": "Baltic (Windows-1257)",
    "cp1258": "Vietnamese (Windows-1258)",
    "cp874": "Thai (Windows-874)",
    "mac_roman": "Western European (Mac)",
    "cp437": "Western European (DOS)",
    "cp850": "Western European (DOS 850)",
    "cp852": "Central European (DOS)",
    "cp866": "Cyrillic (DOS)",
    "cp737": "Greek (DOS)",
}
"""What spreadsheets of the last decades write, by Python's name."""
MIXED = "mixed"
"""In place of an encoding, where each line has its own."""
_WITH_ACCENTS = ("cp1252", "cp1250", "cp1254", "cp1257", "mac_roman")
_ACCENT = re.compile(
    rb"(?<![\x80-\xff])[\x80-\xff]{1,2}[a-z]|[A-Za-z][\x80-\xff]{1,2}(?![\x80-\xff])"
)
_NEIGHBOURS = re.compile(r"[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]|[^\x00-\x7f]{2}")
_LOOKED_AT = 64 * 1024
"""Bytes of the cells that are not ASCII: enough to tell a language."""
_LONGEST_WORD = 200
_BETWEEN = re.compile(rb"[,;\t\r\"]+")
"""Between cells; no byte of a longer character in the encodings above."""


def decoded(raw: bytes) -> tuple[str, str]:
    """The text, and the encoding where it is a guess: a key of ENCODINGS, MIXED, or nothing."""
    start = raw[:2000]
    if raw.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return raw.decode("utf-32"), ""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16"), ""
    for kind, nulls in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if nulls.count(0) > len(nulls) * 0.4:
            return raw.decode(kind), ""
    try:
        return raw.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return _guessed(raw.removeprefix(b"\xef\xbb\xbf"))


def _guessed(raw: bytes) -> tuple[str, str]:
    lines = raw.split(b"\n")
    strange = [line for line in lines if not line.isascii()]
    if 2 * sum(map(_proves_utf8, strange)) < len(strange):
        likely = _encoding_of([cell for line in strange for cell in _BETWEEN.split(line)])
        for encoding in (likely, "cp1252", *ENCODINGS):
            if (text := _strictly(raw, encoding)) is not None:
                return text, encoding
    return "\n".join(map(_decoded_line, lines)), MIXED


def _encoding_of(cells: list[bytes]) -> str:
    """The likeliest of ENCODINGS: single letters between those of the alphabet are accents, which
    charset-normalizer tells apart; other words are told as those in the names in a ZIP are."""
    foreign = [cell[:_LONGEST_WORD] for cell in cells if not cell.isascii()]
    accents = sum(bool(_ACCENT.search(cell)) for cell in foreign)
    if 2 * accents > len(foreign):
        found = from_bytes(b"\n".join(foreign)[:_LOOKED_AT], cp_isolation=list(_WITH_ACCENTS))
        best = found.best()
        usual = _strictly(b"\n".join(foreign), "cp1252")
        return "cp1252" if best is None or str(best) == usual else best.encoding
    name = encoding_of(foreign)[0]
    return "gb18030" if name == "gbk" else name  # which holds all of the other


def _proves_utf8(line: bytes) -> bool:
    """Whether a line is UTF-8 and hardly anything else: one letter of it may be two of another."""
    text = _strictly(line, "utf-8")
    return text is not None and bool(_NEIGHBOURS.search(text))


def _strictly(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _decoded_line(line: bytes) -> str:
    for kind in ("utf-8", "cp1252"):
        if (text := _strictly(line, kind)) is not None:
            return text
    return line.decode("latin-1")  # which has a letter for every byte


def encoding_note(name: str, encoding: str, *, is_sure: bool = False) -> str:
    """The sentence on how the text in `name` was read; empty for UTF-8."""
    if not encoding:
        return ""
    hint = "" if is_sure else " If names look wrong, save it as CSV UTF-8."
    if encoding == MIXED:
        return f"“{name}” is only partly in UTF-8; the rest was read as Western European.{hint}"
    return f"“{name}” is not in UTF-8 and was read as {ENCODINGS[encoding]}.{hint}"
