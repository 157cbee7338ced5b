"""Files that come into folders while classify.py looks on; a file beside it."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path


def new_files(names: Sequence[str], seconds: float, without: Path | None) -> Iterator[list[str]]:
    """Again and again those files that were not there before and are no longer being written.

    A file is taken once its size and time are the same at two looks; one that is replaced is taken
    again. What lies in the folder `without` is left alone. Never ends by itself.
    """
    from image_kinds import files_of

    seen: dict[str, tuple[int, int]] = {}
    taken: dict[str, tuple[int, int]] = {}
    while True:
        now = {}
        for name in files_of(names):
            path = Path(name)
            try:
                found = path.stat()
                inside = without is not None and path.resolve().is_relative_to(without)
            except OSError:  # gone again, or not to be seen
                continue
            if path.is_file() and not inside:
                now[name] = (found.st_size, found.st_mtime_ns)
        ready = [n for n, state in now.items() if seen.get(n) == state and taken.get(n) != state]
        taken = {name: state for name, state in taken.items() if name in now}
        taken.update((name, now[name]) for name in ready)
        seen = now
        if ready:
            yield ready
        time.sleep(max(0.1, seconds))
