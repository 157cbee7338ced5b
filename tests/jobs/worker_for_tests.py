"""A worker that also knows the kinds of job made for tests: tiny, and able to be killed at chosen
places. Any folder among its arguments may have more of them."""

import sys
from pathlib import Path

from core.errors import GraftError
from core.jobs import ahead, kinds, worker
from core.settings import Settings, get_settings

# Here, not below: the jobs' own processes import this module, too.
kinds.__path__.append(str(Path(__file__).parent / "made_kinds"))
kinds.__path__.extend(each for each in sys.argv[1:] if Path(each).is_dir())


def broken(settings: Settings) -> None:
    """A task of the worker's own that goes wrong."""
    raise RuntimeError("cannot be done ahead")


if __name__ == "__main__":
    heavy = ("torch", "timm", "openvino", "not_there") if "--warm" in sys.argv else ()
    light = ("core.jobs.worker", "core.jobs.process")
    first = {"--ahead": ahead.main, "--broken-ahead": broken}.get(sys.argv[-1])
    patience = 0.5 if "--impatient" in sys.argv else worker.PATIENCE
    try:
        worker.main(get_settings(), warm=(*light, *heavy), first=first, patience=patience)
    except GraftError as error:
        sys.exit(str(error))
