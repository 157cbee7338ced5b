"""No catalogue has holes, and none says what the program no longer does."""

import re
from collections import Counter

import pytest
from babel.messages.pofile import read_po

from core.errors import NotFound
from core.language.catalogues import LANGUAGES, catalogue, file_of
from core.language.sources import messages, placeholders

OTHERS = sorted(set(LANGUAGES) - {"en"})


@pytest.fixture(scope="module")
def said() -> set[str]:
    return {message.text for message in messages()}


def test_there_are_other_languages():
    assert OTHERS == ["de", "fr"]


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_translated_and_no_other(language, said):
    known = catalogue(language)
    assert sorted(said - known.keys()) == [], "run make messages, and translate what is new"
    assert sorted(known.keys() - said) == [], "run make messages"


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_in_doubt(language):
    with file_of(language).open("rb") as file:
        assert [
            entry.id for entry in read_po(file, locale=language) if entry.id and entry.fuzzy
        ] == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_filled_in_is_filled_in_everywhere(language):
    wrong = {
        english: other
        for english, other in catalogue(language).items()
        if Counter(placeholders(english)) != Counter(placeholders(other))
    }
    assert wrong == {}


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_brings_no_markup(language):
    assert [other for other in catalogue(language).values() if re.search(r"[<>]", other)] == []


@pytest.mark.parametrize("language", OTHERS)
def test_sentences_are_translated_rather_than_copied(language):
    known = catalogue(language)
    long = {english: other for english, other in known.items() if len(english.split()) > 5}
    assert [english for english, other in long.items() if other == english] == []


@pytest.mark.parametrize("language", ["en", "xx", "../de", ""])
def test_a_language_that_there_is_no_catalogue_of_is_not_found(language):
    with pytest.raises(NotFound):
        catalogue(language)
