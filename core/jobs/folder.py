"""The folder of a job, and what lies in it. No other module knows the names of these files.

    job.json      what is to be done (core.jobs.spec)
    events.jsonl  what happened, one event a line (core.jobs.log)
    stop          there once somebody asked the job to end
    starts        how often it was begun, and how far it came (core.jobs.starts)
    .lock         held by the one process that works on the job (core.jobs.lock)
    .reserve      room on the disk for the job's last word
    log.txt       what its process printed
    checkpoint…   what it goes on from, if it makes one
    .told         how much of the events other machines know (core.jobs.told)

What a job makes lies beside them, under a name that its kind chooses. A run is such a folder, too.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.storage import CHECKPOINT, storage

_SPEC = "job.json"
_EVENTS = "events.jsonl"
_STOP = "stop"
_STARTS = "starts"
_LOCK = ".lock"
_RESERVE = ".reserve"
_OUTPUT = "log.txt"
_TOLD = ".told"
_OWN = frozenset({_SPEC, _EVENTS, _STOP, _STARTS, _LOCK, _RESERVE, _OUTPUT, _TOLD})

_JOBS, _RUNS = "jobs", "runs"
SPECS = f"{_JOBS}/%/{_SPEC}"
"""What all jobs but runs are to do, as LIKE finds it in a list of a home's files."""
NAME = rf"({_JOBS}|{_RUNS})/[0-9a-f]{{16}}"
"""The form of what `name_of` gives, as a regular expression."""


def job_path(home: Path, job_id: str) -> Path:
    """Where a job lives that is no run. The caller has seen to it that this is an id."""
    return home / _JOBS / job_id


def possible_paths(home: Path, job_id: str) -> tuple[Path, Path]:
    """Where a job lives if it is a run, and if it is not."""
    return home / _RUNS / job_id, job_path(home, job_id)


def job_folders(home: Path) -> list[Path]:
    """Of all jobs that are no runs."""
    return [folder for folder in (home / _JOBS).glob("*") if folder.is_dir()]


def run_folders(home: Path) -> list[Path]:
    """Of all runs."""
    return [folder for folder in (home / _RUNS).glob("*") if folder.is_dir()]


def is_run(folder: Path) -> bool:
    """Whether the job in this folder is a run."""
    return folder.parent.name == _RUNS


def name_of(folder: Path) -> str:
    """The folder within its home, like "runs/<id>"."""
    return f"{folder.parent.name}/{folder.name}"


def spec_file(folder: Path) -> Path:
    """What the job is to do."""
    return folder / _SPEC


def events_file(folder: Path) -> Path:
    """Its events."""
    return folder / _EVENTS


def starts_file(folder: Path) -> Path:
    """Its starts."""
    return folder / _STARTS


def lock_file(folder: Path) -> Path:
    """What whoever works on it holds."""
    return folder / _LOCK


def reserve_file(folder: Path) -> Path:
    """What is given up for its last word."""
    return folder / _RESERVE


def output_file(folder: Path) -> Path:
    """What its process prints, tracebacks above all."""
    return folder / _OUTPUT


def output_name(folder: Path) -> str:
    """The same file within its home, for a sentence."""
    return f"{name_of(folder)}/{_OUTPUT}"


def result_file(folder: Path, name: str) -> Path:
    """A file that the job makes. Raises ValueError for a name that is not one, or is taken."""
    if name in _OWN | {"", ".."} or Path(name).name != name:
        raise ValueError(f"no name for a result: {name!r}")
    return folder / name


def told_file(folder: Path) -> Path:
    """How much of its events is known elsewhere."""
    return folder / _TOLD


def is_checkpoint(file: Path) -> bool:
    """Whether a job goes on from this file, and nobody else needs it."""
    return file.name.startswith(CHECKPOINT)


def ask_to_stop(folder: Path) -> None:
    """Leave word that the job is to end in good order, on whichever machine it runs."""
    note_stop(folder)
    storage().publish([folder / _STOP])


def note_stop(folder: Path) -> None:
    """Leave word on this machine alone."""
    (folder / _STOP).touch()


def stop_name(folder: Path) -> str:
    """What that word is called within its home."""
    return f"{name_of(folder)}/{_STOP}"


def asked_to_stop(folder: Path) -> bool:
    """Whether somebody asked it to end."""
    return (folder / _STOP).exists()


def begin_anew(folder: Path) -> None:
    """Forget that it was asked to end, and how often it broke off."""
    (folder / _STOP).unlink(missing_ok=True)
    starts_file(folder).unlink(missing_ok=True)
    storage().withdraw([folder / _STOP, starts_file(folder)])


def idle_seconds(folder: Path) -> float:
    """Since anything was written: events are appended, all else changes the folder itself."""
    parts = (folder, events_file(folder))
    return time.time() - max(part.stat().st_mtime for part in parts if part.exists())


def remove(folder: Path) -> None:
    """Delete all of it, the spec last: by that the folder is found again after an interruption."""
    with suppress(FileNotFoundError):
        for each in _all_but_spec(folder):
            remove_whatever(each)
    remove_whatever(folder)


def _all_but_spec(folder: Path) -> Iterator[Path]:
    return (each for each in folder.iterdir() if each.name != _SPEC)


def drafts(folder: Path) -> Iterator[Path]:
    """What writers that were killed have left half done, in its folders as well."""
    return (each for each in folder.rglob(".*") if each.name not in _OWN)


def remove_whatever(path: Path) -> None:
    """A file, or a folder with all that is in it; nothing, where there is none."""
    with suppress(FileNotFoundError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
