"""In which encoding the names in an archive were written, where it does not say UTF-8.

Each encoding reads the same bytes as other letters; the one in which all names together look most
like words wins. A letter costs about the logarithm of how many its script has, so that two bytes
that are one common Chinese character weigh about as much as two that are two Cyrillic letters.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

UTF_8 = "utf-8"
_MOST_BYTES = 65_536
"""Of all names together that are looked at."""


@dataclass(frozen=True, slots=True)
class _Encoding:
    name: str
    title: str
    rare: float
    """What it costs that another encoding would have been more usual."""
    scripts: tuple[str, ...] = ()
    """How Unicode's names of its own letters begin."""


_ENCODINGS = (
    _Encoding("cp437", "Western European (DOS)", 0, ("LATIN",)),
    _Encoding("cp1252", "Western European (Windows)", 0.5, ("LATIN",)),
    _Encoding("cp850", "Western European (DOS 850)", 2, ("LATIN",)),
    _Encoding("gbk", "Chinese (GBK)", 1, ("CJK",)),
    _Encoding("cp932", "Japanese (Shift-JIS)", 2, ("CJK", "HIRAGANA", "KATAKANA")),
    _Encoding("cp949", "Korean (EUC-KR)", 5, ("HANGUL",)),
    _Encoding("big5", "Chinese (Big5)", 5, ("CJK",)),
    _Encoding("cp866", "Cyrillic (DOS)", 1, ("CYRILLIC",)),
    _Encoding("cp1251", "Cyrillic (Windows)", 1, ("CYRILLIC",)),
    _Encoding("koi8_r", "Cyrillic (KOI8-R)", 4, ("CYRILLIC",)),
    _Encoding("cp1250", "Central European (Windows)", 4, ("LATIN",)),
    _Encoding("cp852", "Central European (DOS)", 4, ("LATIN",)),
    _Encoding("cp1253", "Greek (Windows)", 4, ("GREEK",)),
    _Encoding("cp737", "Greek (DOS)", 5, ("GREEK",)),
    _Encoding("cp1254", "Turkish (Windows)", 4, ("LATIN",)),
    _Encoding("cp1255", "Hebrew (Windows)", 3, ("HEBREW",)),
    _Encoding("cp1256", "Arabic (Windows)", 3, ("ARABIC",)),
    _Encoding("cp874", "Thai", 3, ("THAI",)),
)
_COMMON_LEADS = {"gbk": (0xB0, 0xD7), "big5": (0xA4, 0xC6), "cp932": (0x88, 0x97)}
"""First bytes of the characters of everyday use; behind them lie the rare ones."""
_HANGUL = frozenset(
    "가각간갈감강개거건검게겨격견결경계고곡공과관광교구국군권귀규그극근글금급기길김까나난날남내너네노녹농"
    "누뉴는능니다단달담당대더도독돌동두드등디따라락란람래량러력련령로록론료루류르른를름리림마만말망매머면"
    "명모목무문물미민바박반발방배백버번범법벽변별병보복본볼봉부북분불블비빈빙사산살삼상새색생서석선설섬성"
    "세소속손송수순술스슬승시식신실심십아안알암압애액야약양어언업에여역연열염영예오온올와완외요용우운울원"
    "월위유육윤으은을음응의이인일임입자작잔장재저적전점정제조족존종주준중증지직진질집차착참창채책처천철청"
    "체초촌총최추축출충치카코크타탈탐태터토통트특파판팔패편평포표품풍프피하학한할함합항해행향허험현형호혼"
    "화환활황회획효후훈휘흥희"
)
_USUAL = frozenset(
    "оеаинтсрвлкмдпуОЕАИНТСРВЛКМДПУäöüßéèàâêîôûçñáíóúåøæãõÄÖÜÉÈÀÂÊÇÑÁÍÓÚÅØÆčšžřěůşğıłśźżąęć"
)
"""Letters that are frequent in the languages which an encoding is mostly used for."""
_ODD = frozenset("{}[]^~|`@\\")
_COMMON, _RARE, _KANA, _LETTER, _NO_LETTER, _WRONG_CASE = 8, 12, 5, 3, 12, 5


def encoding_of(names: Sequence[bytes]) -> tuple[str, str]:
    """Python's name of the encoding in which all these names were written, and a title for people.

    "utf-8" and "" for names in plain ASCII or UTF-8, which many programs write without saying so.
    """
    parts = {part for name in names for part in name.replace(b"\\", b"/").split(b"/")}
    foreign = sorted(part for part in parts if not part.isascii())
    while len(foreign) > 1 and sum(map(len, foreign)) > _MOST_BYTES:
        foreign = foreign[::2]
    if all(_decoded(part, UTF_8) is not None for part in foreign):
        return UTF_8, ""
    best = min(_ENCODINGS, key=lambda each: _cost(foreign, each))
    return best.name, best.title


def _decoded(part: bytes, encoding: str) -> str | None:
    try:
        return part.decode(encoding)
    except UnicodeDecodeError:
        return None


def _cost(parts: Sequence[bytes], encoding: _Encoding) -> float:
    total = encoding.rare
    for part in parts:
        text = _decoded(part, encoding.name)
        if text is None:
            # One damaged name must not decide about all others.
            total += sum(_NO_LETTER if byte > 127 else _LETTER for byte in part)
            continue
        before = ""
        for letter in text:
            total += _of_letter(letter, before, encoding)
            before = letter
    return total


def _of_letter(letter: str, before: str, encoding: _Encoding) -> float:
    cost, script = _known(letter, encoding.name)
    if letter.isascii():
        is_mixed = letter.isalpha() and before.isalpha() and not before.isascii()
        return cost + (_NO_LETTER if is_mixed and _is_alphabet(encoding) else 0)
    if script not in encoding.scripts:
        return max(cost, _NO_LETTER)
    if before.isascii() and before.isalpha() and _is_alphabet(encoding):
        cost += _NO_LETTER  # no word is written in two alphabets
    if letter.isupper() and before.isalpha():
        cost += _WRONG_CASE if before.islower() else 0.5
    if script == "LATIN" and before and not before.isascii():
        cost += _WRONG_CASE  # nor in accents alone
    return cost


def _is_alphabet(encoding: _Encoding) -> bool:
    return encoding.scripts[0] not in ("LATIN", "CJK", "HANGUL")


@cache
def _known(letter: str, encoding: str) -> tuple[float, str]:
    """What a letter costs by itself, and its script."""
    if letter.isascii():
        return (_LETTER if letter.isalpha() else _COMMON if letter in _ODD else 0), ""
    script = unicodedata.name(letter, "?").split(" ")[0]
    if unicodedata.category(letter) == "Mn":
        return _LETTER, script
    if not letter.isalpha():
        return _NO_LETTER, "SIGN"
    if script in ("HIRAGANA", "KATAKANA"):
        return _KANA, script
    if script == "HANGUL":
        return _COMMON - 2 if letter in _HANGUL else _RARE - 3, script
    if script == "CJK":
        low, high = _COMMON_LEADS.get(encoding, (0, 0))
        written = letter.encode(encoding)
        common = low <= written[0] <= high and (encoding != "gbk" or written[1] >= 0xA1)
        return (_COMMON if common else _RARE), script
    if script in ("CYRILLIC", "LATIN"):
        return _LETTER + (0 if letter in _USUAL else 1.5) + (script == "LATIN"), script
    return _LETTER + (0.3 if script == "HEBREW" else 0.8), script
