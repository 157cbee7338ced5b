"""The catalogues, one `.po` file a language; English stands in the source itself."""

from functools import cache
from pathlib import Path

from core.errors import NotFound

LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français"}
"""By code: what its own speakers call it."""
_FOLDER = Path(__file__).parent


def file_of(language: str) -> Path:
    """Where the catalogue lies. Raises NotFound for a language that there is none of."""
    if language not in LANGUAGES or language == "en":
        raise NotFound("There is no catalogue of this language.")
    return _FOLDER / f"{language}.po"


@cache
def catalogue(language: str) -> dict[str, str]:
    """English to the language; raises NotFound as `file_of` does."""
    from babel.messages.pofile import read_po

    with file_of(language).open("rb") as file:
        entries = read_po(file, locale=language)
    return {str(entry.id): str(entry.string) for entry in entries if entry.id and entry.string}
