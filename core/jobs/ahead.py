"""What the first job would otherwise wait for: the usual network, converted for this machine."""

import os
from contextlib import suppress

from filelock import FileLock, Timeout

from core.jobs.process import end_with_worker
from core.settings import Settings


def main(settings: Settings) -> None:
    """What a worker starts beside its jobs, once. Whatever goes wrong, a job does it itself.

    Of several workers that start at once, one does it.
    """
    end_with_worker()
    if hasattr(os, "nice"):
        os.nice(19)  # a job that is there already comes first
    with suppress(Timeout), FileLock(settings.home / "ahead.lock", timeout=0):
        convert(settings)


def convert(settings: Settings) -> None:
    """Keep the default backbone's frozen network on disk, as its features will ask for it."""
    from core.backbones.catalogue import DEFAULT, get_backbone
    from core.backbones.preprocessing import preprocessing_of
    from core.backbones.weights import load_network
    from core.devices import device_of
    from core.features.extraction import warm

    if device_of(settings) != "cpu":
        return  # torch runs it as it is
    backbone = get_backbone(DEFAULT)
    warm(load_network(backbone, 2, settings), preprocessing_of(backbone), settings)
