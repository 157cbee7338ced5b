"""A few of the files that a model learned from, as they were brought: of each kind some."""

from collections import Counter
from itertools import islice
from pathlib import Path

from core.dataset.ingest.assignment import full_name
from core.dataset.ingest.sources import open_source
from core.dataset.manifest import Dataset, Facts
from core.dataset.origins import origin_of
from core.errors import GraftError
from core.settings import Settings

_OF_EACH_KIND = 2
_MOST = 16
_MOST_TRIED = 2000
"""Files that are gone through to find them; an archive is unpacked up to there."""


def original_files(dataset: Dataset, settings: Settings, space: Path) -> list[Path]:
    """Files of as many kinds (format and kind of pixel) as there are, where they are still there.

    What lies in an archive is copied into `space`. Empty where nobody knows where they are.
    """
    origin = origin_of(settings.home, dataset.id)
    if origin is None:
        return []
    known = {item.name: item.facts for item in dataset.items if item.facts}
    wanted: Counter[tuple[str, str]] = Counter()
    for facts in known.values():
        wanted[_kind(facts)] = min(wanted[_kind(facts)] + 1, _OF_EACH_KIND)
    found: list[Path] = []
    try:
        for entry in islice(open_source(origin, settings).entries, _MOST_TRIED):
            facts_known = known.get(full_name(entry))
            if facts_known is None or entry.content is None or not wanted[_kind(facts_known)]:
                continue
            wanted[_kind(facts_known)] -= 1
            found.append(_as_file(entry.content, entry.name, space, len(found)))
            if len(found) == _MOST or not wanted.total():
                break
    except (GraftError, OSError):  # it is no longer what it was: then what was found must do
        pass
    return found


def _kind(facts: Facts) -> tuple[str, str]:
    return facts.format, facts.mode


def _as_file(content: Path | bytes, name: str, space: Path, number: int) -> Path:
    if isinstance(content, Path):
        return content.absolute()
    suffix = Path(name).suffix
    file = space / f"original{number}{suffix if suffix[1:].isalnum() else ''}"
    file.write_bytes(content)
    return file
