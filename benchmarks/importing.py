"""What an import costs against decoding alone: photographs of three sizes, 200 of each.

Both use the same number of threads, on the same files, in turn; of five turns each the shortest
counts, because whatever else the machine does can only lengthen one. The processor's time is
stated beside it: waiting for the disk is no part of that. `make bench ARGS=importing`.
"""

import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from core.dataset.ingest.importing import import_images
from core.dataset.ingest.reading import threads
from core.dataset.store import Store
from core.settings import Settings

SIZES = ((400, 300), (1024, 768), (3000, 2000))
IMAGES = 200
TURNS = 5


def main() -> dict[str, dict[str, float]]:
    """By size: seconds of an import, to the manifest on the disk, and of decoding; the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        return {f"{w}x{h}": _measured(Path(folder), (w, h)) for w, h in SIZES}


def _measured(folder: Path, size: tuple[int, int]) -> dict[str, float]:
    brought = folder / f"{size[0]}"
    files = write_photographs(brought, size, IMAGES)
    turns = []
    for turn in range(TURNS):
        decoding = _seconds(lambda: decode_all(files))
        settings = Settings(home=_home_in_use(folder / f"home-{size[0]}-{turn}"))
        turns.append((_seconds(lambda of=settings: import_all(brought, of)), decoding))
    importing, decoding = ([min(turn[k][of] for turn in turns) for of in (0, 1)] for k in (0, 1))
    return {
        "importing": round(importing[0], 3),
        "decoding": round(decoding[0], 3),
        "ratio": round(importing[0] / decoding[0], 2),
        "ratio_of_processor_time": round(importing[1] / decoding[1], 2),
        "mean_bytes": round(sum(file.stat().st_size for file in files) / len(files)),
    }


def _home_in_use(home: Path) -> Path:
    """A home without an image, with the folders that any earlier import has made."""
    for number in range(256):
        for kind in ("images", "thumbs"):
            (home / kind / f"{number:02x}").mkdir(parents=True)
    return home


def write_photographs(folder: Path, size: tuple[int, int], n: int) -> list[Path]:
    """JPEGs (quality 90, 4:2:0) of `size`: windows of scikit-image's photographs, each another."""
    from skimage import data

    folder.mkdir(parents=True)
    photographs = [
        Image.fromarray(load()) for load in (data.astronaut, data.coffee, data.chelsea, data.rocket)
    ]
    rng = np.random.default_rng(0)
    files = []
    for number in range(n):
        whole = photographs[number % len(photographs)]
        share = rng.uniform(0.6, 1.0)
        width, height = (share * side for side in whole.size)
        x, y = rng.uniform(0, whole.width - width), rng.uniform(0, whole.height - height)
        window = whole.resize(size, Image.Resampling.BICUBIC, box=(x, y, x + width, y + height))
        files.append(folder / f"{number}.jpg")
        window.save(files[-1], quality=90)
    return files


def decode_all(files: Iterable[Path]) -> None:
    """Decode to RGB at full size, with the threads of an import."""

    def decode(file: Path) -> None:
        with Image.open(file) as image:
            image.convert("RGB")

    with ThreadPoolExecutor(threads()) as pool:
        deque(pool.map(decode, files), maxlen=0)


def import_all(folder: Path, settings: Settings) -> None:
    """A whole import, to the manifest on the disk."""
    store = Store(settings.home)
    events = import_images(folder, store, settings, title="Photographs", into_class="photo")
    deque(events, maxlen=0)


def _seconds(work: Callable[[], None]) -> tuple[float, float]:
    """By the clock, and of the processor."""
    began, used = time.monotonic(), time.process_time()
    work()
    return time.monotonic() - began, time.process_time() - used


if __name__ == "__main__":
    print(main())
