"""What a large import takes: memory of the importer, and how long a page waits for the dataset.

JPEGs of 3000 × 2000 px and about 2 MB: 20 windows of photographs with noise like a camera's. Each
other file is one of them with another step in its quantisation table, so that every file, every
decoded and every stored image is another, while writing them takes no encoding.

10,000 of them would take 20 GB, so GRAFT_BENCH_IMAGES says how many (2,000 by default); the items
of the list are 10,000 in any case. `make bench ARGS=scale`.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.importing import write_photographs
from core.dataset.manifest import Dataset, ImageMetadata, Item
from core.dataset.store import Store

IMAGES = int(os.environ.get("GRAFT_BENCH_IMAGES", 2_000))
ITEMS = 10_000
_BASES = 20
_STEPS = range(1, 10)
"""Places in a quantisation table that are changed: low frequencies, which outlast shrinking."""
_IMPORT = """
import json, re, sys, time
from pathlib import Path
from core.dataset.ingest.importing import import_images
from core.dataset.store import Store
from core.settings import Settings
home, began = Path(sys.argv[2]), time.monotonic()
*_, last = import_images(Path(sys.argv[1]), Store(home), Settings(home=home), title="Scale")
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"seconds": time.monotonic() - began, "peak_mb": peak, **last.result}))
"""


def main() -> dict[str, float]:
    """Images taken, seconds, peak memory of the importing process; milliseconds for the list."""
    with tempfile.TemporaryDirectory() as folder:
        size = write_files(Path(folder) / "photographs", IMAGES)
        command = [sys.executable, "-c", _IMPORT, f"{folder}/photographs", f"{folder}/home"]
        done = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        return {
            "images": done["images"],
            "mean_bytes": round(size / IMAGES),
            "seconds": round(done["seconds"], 1),
            "peak_mb": round(done["peak_mb"]),
            **_list_of(ITEMS, Path(folder) / "other"),
        }


def write_files(folder: Path, n: int) -> int:
    """Write `n` distinct photographs in four class folders; gives their bytes together."""
    bases = [noisy(file) for file in write_photographs(folder / "bases", (3000, 2000), _BASES)]
    for file in (folder / "bases").iterdir():
        file.unlink()
    (folder / "bases").rmdir()
    written = 0
    for number in range(n):
        content = bytearray(bases[number % _BASES])
        turn, place = divmod(number // _BASES, len(_STEPS))
        content[content.index(b"\xff\xdb") + 5 + _STEPS[place]] += 1 + turn
        file = folder / f"class {number % 4}" / f"IMG_{number:05d}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        written += len(content)
    return written


def noisy(file: Path) -> bytes:
    """The photograph with noise, as a JPEG of about 2 MB."""
    with Image.open(file) as image:
        pixels = np.asarray(image, np.int16)
    noise = np.random.default_rng(0).normal(0, 11, pixels.shape).astype(np.int16)
    Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8)).save(file, quality=90)
    return file.read_bytes()


def _list_of(n: int, home: Path) -> dict[str, float]:
    """Milliseconds to read a dataset of so many items for the first time, again, and to count."""
    facts = ImageMetadata("JPEG", 4000, 3000, "RGB", 2_000_000, "Canon EOS 5D", 1.7e9)
    items = (
        Item(hashlib.sha256(b"%d" % k).hexdigest(), f"{k % 20}", f"{k % 20}/{k}.jpg", facts=facts)
        for k in range(n)
    )
    made = Store(home).save(Dataset("Large", tuple(items)))
    first = _milliseconds(lambda: Store(home).load(made))
    again = _milliseconds(lambda: Store(home).load(made))
    counting = _milliseconds(lambda: Store(home).load(made).counts)
    return {"load_ms": first, "load_again_ms": again, "counts_ms": counting}


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return round((time.perf_counter() - began) * 1000, 3)
