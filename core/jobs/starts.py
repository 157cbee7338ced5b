"""How often a job was begun, how often it broke off, and how far it had come each time.

The file has a line for each start, and one with a mark for each time that the job broke
off by itself. A start without such a line ended with its worker, which is hardly the job's doing.
"""

from pathlib import Path

from core.files import replace_file
from core.jobs.folder import starts_file
from core.jobs.summary import summary

RESTARTS = 3
"""How often a job is begun again without having come any further."""
WORKERS = 20
"""As many workers may end under a job that comes no further: it may be what ends them."""
_BROKE_OFF = "!"


def may_start(folder: Path) -> bool:
    """Count one more start, unless the job broke off too often without coming any further."""
    reached = _reached(folder)
    restarts = _lines(folder, "")[1:]
    in_vain = sum(one >= reached for one in restarts) >= WORKERS
    broke_off = sum(one >= reached for one in _lines(folder, _BROKE_OFF))
    if in_vain or broke_off > RESTARTS:
        return False
    _add(folder, f"{reached}")
    return True


def count_breaking_off(folder: Path) -> None:
    """Its process ended without a last word, while its worker lived."""
    _add(folder, f"{_BROKE_OFF}{_reached(folder)}")


def forget_start(folder: Path) -> None:
    """A start that an orderly shutdown cut short was not in vain."""
    kept = _content(folder)[:-1]
    replace_file(starts_file(folder), "".join(f"{line}\n" for line in kept))


def _reached(folder: Path) -> int:
    with summary(folder) as known:
        return known.reached


def _add(folder: Path, line: str) -> None:
    with starts_file(folder).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def _lines(folder: Path, mark: str) -> list[int]:
    """How far the job had come at each line of this kind."""
    found = [line.removeprefix(mark) for line in _content(folder) if line.startswith(mark)]
    return [int(line) for line in found if line.isdigit()]


def _content(folder: Path) -> list[str]:
    try:
        return starts_file(folder).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
