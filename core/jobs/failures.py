"""What a job says when something goes wrong: what it was, and what can be done about it."""

import errno
import re
from collections.abc import Iterator
from pathlib import Path

from core.events import Failed
from core.faults import out_of_space, translate
from core.jobs.folder import output_name
from core.settings import Settings

_NO_MEMORY = (
    "There was not enough memory. Close other programs, or choose a smaller network, and try again."
)
_NO_GPU_MEMORY = (
    "The graphics card has too little memory for this. Close other programs that use it, "
    "choose a smaller network, or set GRAFT_DEVICE=cpu, and try again."
)
_IMAGE_DAMAGED = (
    "A stored image is damaged and cannot be read. Import the images again; undamaged ones "
    "are not stored twice."
)
_BROKEN_DISK = "The disk reports read or write errors. Check the disk and its cable, and try again."
_TORCH_FOUND_NO_SPACE = r"PytorchStreamWriter failed writing|unexpected pos \d"
_NO_MEMORY_IN_WORDS = "can't allocate memory|bad_alloc|Cannot allocate memory"
_IMAGE_DAMAGED_IN_WORDS = (
    "image file is truncated|broken data stream|broken PNG|decoder error|cannot identify image"
)


def failure_of(error: BaseException, folder: Path, settings: Settings) -> Failed:
    """The last word of the job in this folder, which this error ended."""
    if known := translate(error, settings):
        return Failed.by(known)
    for each in _chain(error):
        if said := _of_the_system(each) or _of_a_library(type(each), str(each)):
            return Failed(said, may_go_well=said != _IMAGE_DAMAGED)
    return Failed(
        "Something unexpected went wrong. Try again. If it happens again, see the details in "
        f"{output_name(folder)}."
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it was raised from, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _of_the_system(error: BaseException) -> str | None:
    match error:
        case MemoryError() | OSError(errno=errno.ENOMEM):
            return _NO_MEMORY
        case OSError(errno=errno.EIO):
            return _BROKEN_DISK
        case OSError(errno=errno.EROFS | errno.EACCES | errno.EPERM):
            place = f"the file {error.filename}" if error.filename else "a file"
            return (
                f"There is no permission to use {place}. Change its permissions, or choose "
                "another home folder with GRAFT_HOME, and try again."
            )
        case _:
            return None


def _of_a_library(kind: type[BaseException], text: str) -> str | None:
    """Errors whose classes belong to libraries that need not be loaded here: known by name."""
    names = {each.__name__ for each in kind.__mro__}
    if re.search(_TORCH_FOUND_NO_SPACE, text):
        return str(out_of_space())
    if "OutOfMemoryError" in names:
        return _NO_GPU_MEMORY
    if re.search(_NO_MEMORY_IN_WORDS, text):
        return _NO_MEMORY
    if "UnidentifiedImageError" in names or re.search(_IMAGE_DAMAGED_IN_WORDS, text):
        return _IMAGE_DAMAGED
    return None
