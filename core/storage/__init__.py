"""Where the files of a home are kept: in the home alone, or in an object store as well."""

from functools import lru_cache
from typing import TYPE_CHECKING

from core.settings import Settings, get_settings
from core.storage.storage import CHECKPOINT, SUFFIXES, Storage

if TYPE_CHECKING:
    from core.storage.shared import SharedStorage

__all__ = ["CHECKPOINT", "SUFFIXES", "shared_storage", "storage"]

_LOCAL = Storage()


def storage() -> Storage:
    """That of this process."""
    return shared_storage(get_settings()) or _LOCAL


def shared_storage(settings: Settings) -> "SharedStorage | None":
    """The object store that several machines share; None where GRAFT_STORE is empty."""
    return _shared(settings) if settings.store else None


@lru_cache(maxsize=4)
def _shared(settings: Settings) -> "SharedStorage":
    from core.storage.shared import SharedStorage

    return SharedStorage(settings)
