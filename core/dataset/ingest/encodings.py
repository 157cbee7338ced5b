"""In which encoding the text of a table was written.

UTF-8 and UTF-16 prove themselves. Every other encoding is a guess, of charset-normalizer, which
the names of the images can put right: see `Table.encoding` and core.dataset.ingest.recoding.
"""

from charset_normalizer import from_bytes

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
}
"""What spreadsheets of the last decades write, by Python's name."""
MIXED = "mixed"
"""In place of an encoding, where each line has its own."""
_LOOKED_AT = 64 * 1024
"""Bytes of the lines that are not ASCII: enough to tell a language."""


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
    if 2 * sum(_is_utf8(line) for line in strange) < len(strange):
        found = from_bytes(b"\n".join(strange)[:_LOOKED_AT], cp_isolation=list(ENCODINGS))
        for encoding in ["cp1252", *(match.encoding for match in found)]:
            text = _strictly(raw, encoding)
            if text is not None and (encoding != "cp1252" or _is_best(raw, text, found)):
                return text, encoding
    return "\n".join(map(_decoded_line, lines)), MIXED


def _is_best(raw: bytes, text: str, found: object) -> bool:
    """Whether the likeliest encoding gives the same text: then the commonest name is the best."""
    best = found.best()  # type: ignore[attr-defined]
    return best is None or _strictly(raw, best.encoding) == text


def _strictly(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_utf8(line: bytes) -> bool:
    return _strictly(line, "utf-8") is not None


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
        return f"“{name}” is not all in UTF-8; the rest was read as Western European.{hint}"
    return f"“{name}” is not in UTF-8 and was read as {ENCODINGS[encoding]}.{hint}"
