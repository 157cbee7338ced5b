"""A first classifier on 300 images, as somebody waits for it: handed in, done by a warm worker.

Goals: the whole cold job takes at most twice as long as decoding its images once and passing them
once through the fastest runtime found (measured in a process of its own, which has everything
loaded); a second classifier on kept features takes at most a tenth of the cold job. Seconds run
from handing in until the last event is in the job's log. `make bench ARGS=job`, some minutes.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import psutil

Turn = TypeVar("Turn")
_TURNS = 3
_PICTURES = 300
_BACKBONE = "tf_efficientnet_lite0"
_PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "hubble_deep_field", "ihc", "motorcycle_left")


def main() -> dict[str, Any]:
    """For each set: seconds (medians of 3 turns) and the two ratios."""
    return {"emoji": _measured(emoji), "photographs of 1,024 px": _measured(photographs)}


def _measured(write: Callable[[Path], None]) -> dict[str, Any]:
    return _summary(turns_of(write, _turn))


def turns_of(write: Callable[[Path], None], turn: Callable[[Path, str, int], Turn]) -> list[Turn]:
    """What each of 3 turns found: of the images that `write` puts into a folder, imported into a
    home of their own that a warm worker serves and whose network is converted. A turn is told the
    home, the id of the dataset and the process id of the worker."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        os.environ["GRAFT_HOME"] = str(home)
        from core.settings import get_settings

        get_settings.cache_clear()
        write(Path(place) / "pictures")
        dataset = imported(Path(place) / "pictures")
        command = [sys.executable, "-m", "core.server.parent_watch", "core.jobs.worker"]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE)
        try:
            wait_for(lambda: any((home / "compiled").glob("*.sha256")) and idle(worker.pid), 600)
            turns = []
            for _ in range(_TURNS):
                turns.append(turn(home, dataset, worker.pid))
                print(turns[-1], flush=True)
        finally:
            worker.terminate()
            worker.wait()
    return turns


def _turn(home: Path, dataset: str, worker: int) -> dict[str, float]:
    """The floor, a cold job and a second classifier, one after the other."""
    shutil.rmtree(home / "features", ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.job", str(home), dataset]
    took = dict(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))
    for name, options in (("cold", {}), ("second", {"balanced": True})):
        wait_for(lambda: idle(worker))
        before = processor_seconds(worker)
        took[name] = _job(home, dataset, options)
        wait_for(lambda: idle(worker))
        took[f"{name}, cpu"] = processor_seconds(worker) - before
    return took


def _summary(turns: list[dict[str, float]]) -> dict[str, Any]:
    middle = {name: round(median(turn[name] for turn in turns), 3) for name in turns[0]}
    found: dict[str, Any] = {"seconds": middle}
    for also in ("", ", cpu"):
        floors = [
            turn[f"decoding{also}"] + min(turn[f"openvino{also}"], turn[f"torch{also}"])
            for turn in turns
        ]
        cold = [turn[f"cold{also}"] / floor for turn, floor in zip(turns, floors, strict=True)]
        second = [turn[f"second{also}"] / turn[f"cold{also}"] for turn in turns]
        found[f"cold_to_floor{also}"] = spread(cold)
        found[f"second_to_cold{also}"] = spread(second)
    return found


def spread(values: list[float]) -> list[float]:
    """Median, least, most."""
    return [round(each, 3) for each in (median(values), min(values), max(values))]


def _job(home: Path, dataset: str, options: dict[str, Any]) -> float:
    """Seconds of one training job of the real queue."""
    from core.jobs import log, new_job, status, submit
    from core.jobs.folder import events_file
    from core.recipe import Recipe

    recipe = Recipe(
        dataset=dataset, backbone=_BACKBONE, strategy="feature_extraction", options=options
    )
    folder = home / "runs" / secrets.token_hex(8)
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(recipe.to_json())
    status(new_job())  # the connection to the queue stands
    began = time.monotonic()
    submit("train", folder)
    wait_for(lambda: log.size(folder) and b'"Finished"' in events_file(folder).read_bytes())
    return time.monotonic() - began


def floor(
    home: Path, dataset: str, *, runtimes: tuple[str, ...] = ("openvino", "torch")
) -> tuple[dict[str, float], Any]:
    """Seconds for decoding all images on all cores, and for one pass through each runtime that is
    there, each also as processor time; and the features (n, d)."""
    import numpy as np
    import torch

    from core.backbones.catalogue import get_backbone
    from core.backbones.graph_split import feature_trunk
    from core.backbones.preprocessing import preprocessing_of
    from core.backbones.runtime import InTorch, _Normalised, _through_openvino
    from core.backbones.weights import load_network
    from core.dataset.store import Store
    from core.features.extraction import load_pixels
    from core.settings import Settings

    settings, store, backbone = Settings(home=home), Store(home), get_backbone(_BACKBONE)
    preprocessing = preprocessing_of(backbone)
    trunk = feature_trunk(load_network(backbone, 2, settings))
    whole = _Normalised(trunk, preprocessing).eval()
    runs = {
        "openvino": _through_openvino(whole, preprocessing, None, ""),
        "torch": InTorch(whole, "cpu"),
    }
    images = [item.image for item in store.load(dataset).labelled]
    took: dict[str, float] = {}
    with _timed(took, "decoding"):
        batches = [pixels for _, pixels in load_pixels(images, store.open, preprocessing)]
    features: Any = None
    for name in runtimes:
        if (run := runs[name]) is None:
            continue
        run(batches[0])  # warm
        with _timed(took, name), torch.inference_mode():
            features = np.concatenate([run(pixels) for pixels in batches])
    return took, features


@contextmanager
def _timed(took: dict[str, float], name: str) -> Iterator[None]:
    wall, cpu = time.monotonic(), time.process_time()
    yield
    took[name], took[f"{name}, cpu"] = time.monotonic() - wall, time.process_time() - cpu


def _servers(worker: int) -> list[psutil.Process]:
    """What the worker has started itself: the server whose forks the jobs are."""
    return psutil.Process(worker).children()


def processor_seconds(worker: int) -> float:
    """Of the jobs that have ended, and of the server that was forked."""
    return sum(sum(each.cpu_times()[:4]) for each in _servers(worker))


def idle(worker: int) -> bool:
    return not any(each.children() for each in _servers(worker))


def imported(pictures: Path) -> str:
    from core.dataset.ingest.importing import import_images
    from core.dataset.store import Store
    from core.events import Finished
    from core.settings import get_settings

    settings = get_settings()
    *_, last = import_images(pictures, Store(settings.home), settings, title="Benchmark")
    if not isinstance(last, Finished):
        raise TypeError
    return str(last.result["dataset"])


def emoji(folder: Path) -> None:
    """300 images of 72 px, 50 of each class."""
    from core.dataset.samples import write_sample

    write_sample("emoji", folder)
    for label in folder.iterdir():
        for file in islice(sorted(label.iterdir()), _PICTURES // 6, None):
            file.unlink()


def photographs(folder: Path) -> None:
    """300 JPEGs of 1,024 x 768 px: random pieces of six photographs of scikit-image."""
    import random

    import skimage
    from PIL import Image

    chance = random.Random(0)
    for name in _PHOTOGRAPHS:
        (folder / name).mkdir(parents=True)
        file = next((Path(skimage.__file__).parent / "data").glob(f"{name}.*"))
        whole = Image.open(file).convert("RGB")
        for number in range(_PICTURES // len(_PHOTOGRAPHS)):
            share = chance.uniform(0.5, 0.9)
            width, height = (round(share * side) for side in whole.size)
            left, top = (
                chance.randint(0, whole.width - width),
                chance.randint(0, whole.height - height),
            )
            piece = whole.crop((left, top, left + width, top + height)).resize((1024, 768))
            piece.save(folder / name / f"{number}.jpg", quality=90)


def wait_for(condition: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.005)


if __name__ == "__main__":
    print(json.dumps(floor(Path(sys.argv[1]), sys.argv[2])[0]))
