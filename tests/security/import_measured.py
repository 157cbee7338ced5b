"""Import a folder into a home and say what came of it, and the most memory any process took."""

import json
import resource
import sys
from pathlib import Path

from core.dataset.ingest.importing import import_images
from core.dataset.store import Store
from core.errors import GraftError
from core.events import Finished, Skipped
from core.sandbox.bounded import close_helpers
from core.settings import Settings


def main(source: str, home: str) -> None:
    settings, skipped, done, refused = Settings(home=Path(home)), {}, None, ""
    try:
        for event in import_images(Path(source), Store(settings.home), settings, title="Test"):
            if isinstance(event, Skipped):
                skipped[event.name] = event.reason
            if isinstance(event, Finished):
                done = Store(settings.home).load(event.result["dataset"]).counts
    except GraftError as error:
        refused = str(error)
    close_helpers()  # the memory of a process is known when it has ended
    own = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
    peaks = [
        int(own[0].split()[1]) * 1024,
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    ]
    told = {"skipped": skipped, "counts": done, "refused": refused, "peaks": peaks}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
