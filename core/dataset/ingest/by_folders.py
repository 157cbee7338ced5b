"""What folders tell about images, also where several archives were brought."""

import re
from collections.abc import Sequence

from core.dataset.classes import clean_class, shortened
from core.dataset.ingest.assigned import NO_CLASS, Assigned, Assignment
from core.dataset.ingest.class_folders import Level, classes_of
from core.dataset.ingest.entries import Entry
from core.dataset.ingest.folder_names import means_no_class, split_parts
from core.dataset.ingest.understanding import Note
from core.dataset.manifest import Part, Role

_ENDINGS = re.compile(r"(\.(zip|tar|gz|tgz|bz2|tbz2?|xz|txz|zst|7z|rar))+$", re.IGNORECASE)


def by_folders(
    entries: Sequence[Entry], role: Role, empty: Sequence[str] = (), *, level: Level = "auto"
) -> Assignment:
    """Each image by the folders around it; `empty` are folders without a file.

    Several archives called like parts of a split are folders like any others. Otherwise each is
    looked at by itself, and is a class where there are no folders in it.
    """
    archives = sorted({entry.archive for entry in entries})
    stems = {archive: stem(archive) for archive in archives}
    if any(means_no_class(each) for each in stems.values()) or split_parts([*stems.values()]):
        paths = [_within(stems[entry.archive], entry.name) for entry in entries]
        return _read(paths, role, empty, level)
    images: dict[int, Assigned] = {}
    notes: list[Note] = []
    for archive in archives:
        places = [place for place, entry in enumerate(entries) if entry.archive == archive]
        names = [entries[place].name for place in places]
        told = _read(names, role, () if archive else empty, level)
        loose = shortened(clean_class(stems[archive])) if archive else None
        notes += told.notes
        for place, each in zip(places, told.images, strict=True):
            is_loose = each.refusal and "/" not in entries[place].name
            images[place] = Assigned(loose, role) if loose and is_loose else each
    return Assignment(tuple(images[place] for place in range(len(entries))), notes=tuple(notes))


def _within(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def stem(archive: str) -> str:
    """The name of an archive without its ending: “St. Bernard” of “St. Bernard.zip”."""
    return _ENDINGS.sub("", archive) or archive


def _read(paths: Sequence[str], role: Role, empty: Sequence[str], level: Level) -> Assignment:
    told = classes_of(paths, empty, level=level)
    images = [
        _assigned(label, role, part, refusal, group, unlabelled=unlabelled)
        for label, part, unlabelled, refusal, group in zip(
            told.classes, told.parts, told.unlabelled, told.refusals, told.groups, strict=True
        )
    ]
    return Assignment(tuple(images), notes=told.notes)


def _assigned(
    label: str | None,
    role: Role,
    part: Part | None,
    refusal: str,
    group: str | None,
    *,
    unlabelled: bool,
) -> Assigned:
    if unlabelled:
        return Assigned(role="unlabelled", refusal=NO_CLASS if role == "source" else "")
    return Assigned(label, role, part, refusal="" if label else refusal or NO_CLASS, group=group)
