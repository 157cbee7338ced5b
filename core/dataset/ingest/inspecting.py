"""What an import would understand of images, without anything being kept."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from core.dataset.ingest.decoded import Decoded
from core.dataset.ingest.reading import read_source
from core.dataset.ingest.taking import Taking
from core.dataset.ingest.understanding import ReadAs
from core.dataset.manifest import Role
from core.events import Event, Finished
from core.settings import Settings


class Unkept:
    """Takes images as a store does, only to tell them apart. Safe to use from threads."""

    def take(self, decoded: Decoded) -> str:
        """A hash that only equal images share."""
        if decoded.array is not None:
            return hashlib.sha256(decoded.array.tobytes()).hexdigest()
        return hashlib.sha256(decoded.plain or decoded.image.tobytes()).hexdigest()


def inspect(
    source: Path,
    settings: Settings,
    *,
    into_class: str | None = None,
    role: Role = "labelled",
    columns: Sequence[str] = (),
    read_as: ReadAs | None = None,
    follow_links: bool = False,
) -> Iterator[Event]:
    """Read all of `source` as an import with the same choices would, decoding every image.

    Yields what an import does; the result of Finished is an Understanding as a dictionary, without
    thumbnails. Raises as an import does.
    """
    begun = time.monotonic()
    how = Taking(Unkept(), settings, keep=False, all_frames=bool(read_as and read_as.all_frames))
    read = yield from read_source(
        source, how, into_class=into_class, role=role, columns=columns, read_as=read_as,
        follow_links=follow_links,
    )  # fmt: skip
    understanding = replace(read.understanding, thumbnails={})
    yield Finished(time.monotonic() - begun, understanding.to_dict())
