"""Files of the person's own that an exported model is tried out on.

Test images as they are stored, and of each kind of file some as they were brought.
"""

import shutil
from collections import Counter
from itertools import islice
from pathlib import Path

from core.dataset.channels import RGB, Form
from core.dataset.export import as_file
from core.dataset.ingest.assignment import full_name
from core.dataset.ingest.sources import open_source
from core.dataset.manifest import Dataset, Facts
from core.dataset.origins import origin_of
from core.dataset.store import Store
from core.errors import GraftError, NotFound
from core.evaluation.report import Report
from core.settings import Settings

_OF_EACH_KIND = 2
_MOST = 16
_MOST_TRIED = 2000
"""Files that are gone through to find them; an archive is unpacked up to there."""


def held_out_files(report: Report, store: Store, form: Form, space: Path, most: int) -> list[Path]:
    """Test images, copied into `space` under names of our own.

    One of each class before a second of any, so that a few show as much as they can. Raises
    NotFound where the images are not here.
    """
    seen: dict[str, int] = {}
    turns = []
    for index, row in enumerate(report.kept_predictions):
        seen[row.true] = seen.get(row.true, 0) + 1
        turns.append((seen[row.true], index, row.image))
    try:
        chosen = [store.path(image) for _, _, image in sorted(turns)[:most]]
    except NotFound as error:
        raise NotFound(
            "The images that this model was tested on are not in this home folder, so the "
            "exported model cannot be tried out. Export it where it was trained."
        ) from error
    copies = []
    for number, path in enumerate(chosen, 1):
        if form != RGB:
            suffix, content = as_file(store, path.stem)
            copies.append(space / f"{number}{suffix}")
            copies[-1].write_bytes(content)
        elif path.suffix == ".npy":  # kept with all its channels: as this network sees it
            copies.append(space / f"{number}.png")
            store.open(path.stem).save(copies[-1])
        else:
            copies.append(space / f"{number}{path.suffix}")
            shutil.copyfile(path, copies[-1])
    return copies


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
