"""Deleting for good where machines share no disk: in the index at one moment, in each home when it
next hears of it, and in the bucket a day later. Without GRAFT_STORE nothing of this happens.
"""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path

from core.dataset.orphans import finish_retired, only_retired, retire
from core.features.feature_rows import drop_rows
from core.files import number_in, replace_file
from core.jobs.folder import SPECS, remove_whatever
from core.settings import Settings
from core.storage import forgetting, index, shared_storage

_HEARD = ".gone"
_ID = re.compile(r"[0-9a-f]{16}(?:[0-9a-f]{16})?")
_BEGINNING = re.compile(r"[0-9a-f]+")


def bring_lists(settings: Settings) -> None:
    """Have here what every job is to do, and every dataset's manifest."""
    if shared := shared_storage(settings):
        shared.bring_all(SPECS)
        shared.bring_all("datasets/%.json")


def forget(settings: Settings, ids: Collection[str]) -> None:
    """Forget runs, jobs, uploads, datasets and a project's field on all machines, and the images
    that only datasets retired here (`core.dataset.orphans`) have named. Raises Hindered while
    others publish, DatabaseUnavailable, StoreUnavailable."""
    shared = shared_storage(settings)
    if shared is None or not ids:
        return
    with forgetting.alone(shared) as connection:
        forgetting.forget(connection, ids)
        # What was published since it was looked at may name the same images.
        shared.bring_entries(index.like(connection, "datasets/%.json"))
        forgetting.forget_images(connection, only_retired(settings.home) or ())


def hear(settings: Settings) -> int:
    """Drop from this home what was forgotten since it last heard; gives how much was. Raises
    DatabaseUnavailable, OSError."""
    shared = shared_storage(settings)
    if shared is None:
        return 0
    heard = settings.home / _HEARD
    before = number_in(heard)
    ids, newest = forgetting.gone_since(shared, before)
    if newest > before:
        _drop(settings, {each for each in ids if _ID.fullmatch(each)})
        replace_file(heard, str(newest))
    return len(ids)


def ages(settings: Settings, room: str) -> dict[str, float]:
    """How many seconds ago any machine wrote last in each folder of this room; empty without
    GRAFT_STORE."""
    shared = shared_storage(settings)
    return forgetting.ages(shared, room) if shared else {}


def sweep(settings: Settings, *, older_than: float) -> int:
    """Delete contents of so many seconds from the bucket that nothing names; gives how many."""
    shared = shared_storage(settings)
    return forgetting.sweep(shared, older_than=older_than) if shared else 0


def remove_converted(settings: Settings, since: float = 0) -> None:
    """Networks converted since the first of the runs began may be theirs; who needs one of the
    others converts it again."""
    for suffix in (".xml", ".bin"):  # the .xml is what is looked for
        for file in settings.converted_folder.glob(f"*{suffix}"):
            with suppress(FileNotFoundError):
                if file.stat().st_mtime >= since:
                    file.unlink()


def dropping(settings: Settings) -> Callable[[set[str]], None]:
    """Takes images out of the features that are kept here."""

    def features() -> Iterator[Path]:
        return (settings.home / "features").glob("*/*.safetensors")

    return lambda images: drop_rows(features(), images)


def _drop(settings: Settings, ids: set[str]) -> None:
    home = settings.home
    manifests = {path.stem for path in (home / "datasets").glob("*.json")}
    retire(home, ids & manifests, keep=manifests)
    for path in [*home.glob("*/*")]:
        named = _BEGINNING.match(path.name)
        if named and named[0] in ids:
            remove_whatever(path)
            if path.parent.name == "runs":
                remove_converted(settings)
    finish_retired(home, drop=dropping(settings))
