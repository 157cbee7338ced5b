"""Bring the catalogues up to the source: `make messages`.

New sentences stand in each `.po` with an empty translation, those that are gone are left out.
`tests/language` fails until none is empty.
"""

import sys

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from core.language.catalogues import LANGUAGES, catalogue, file_of
from core.language.sources import messages


def main() -> None:
    """Write every catalogue anew; say how many sentences it lacks."""
    found = messages()
    for language in LANGUAGES:
        if language == "en":
            continue
        file = file_of(language)
        known = catalogue(language) if file.exists() else {}
        written = Catalog(locale=language, project="Graft", fuzzy=False, charset="utf-8")
        for message in found:
            place, _, _line = message.place.partition(":")
            written.add(message.text, known.get(message.text, ""), locations=[(place, 0)])
        with file.open("wb") as out:
            write_po(out, written, width=0, include_lineno=False, omit_header=False)
        lacking = sum(not known.get(message.text) for message in found)
        sys.stdout.write(f"{file.name}: {len(found)} sentences, {lacking} not translated\n")


if __name__ == "__main__":
    main()
