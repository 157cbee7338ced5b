"""What can be asked of a home, somebody who works in it, and its loss."""

import json
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from core import projects
from core.analysis.prediction import predict_files, predictions_of
from core.dataset.store import Store
from core.evaluation.report import Report
from core.events import Finished
from core.jobs import status
from core.jobs.engine import _client
from core.projects.database import engine
from core.settings import Settings


@dataclass(frozen=True)
class Answers:
    """Everything that a person can ask a home about."""

    projects: list[projects.Project]
    runs: dict[str, list[str]]
    datasets: dict[str, str]
    images: dict[str, bytes]
    reports: dict[str, str]
    predictions: list[dict[str, object]]
    jobs: dict[str, str]


def answers(settings: Settings, asked: list[Path], jobs: list[str]) -> Answers:
    store = Store(settings.home)
    found = [path.stem for path in (settings.home / "datasets").glob("*.json")]
    loaded = {each: store.load(each) for each in found}
    run = settings.home / "runs" / "00000000000000aa"
    *_, last = predict_files(run, asked, settings)
    assert isinstance(last, Finished)
    listed = projects.list_projects()
    return Answers(
        listed,
        {each.id: [row.id for row in projects.runs(each.id)] for each in listed},
        {each: dataset.to_json() for each, dataset in loaded.items()},
        {
            item.image: store.read(item.image)
            for dataset in loaded.values()
            for item in dataset.items
        },
        {run.name: Report.load(run).to_json()},
        list(predictions_of(last.result)),
        {job: status(settings.home / "jobs" / job).state for job in jobs},
    )


def forget(settings: Settings) -> None:
    """Close this process's connections, which would still read databases that are gone."""
    engine(settings).dispose()
    _client(settings).destroy()
    _client.cache_clear()


def destroy(settings: Settings) -> None:
    forget(settings)
    shutil.rmtree(settings.home)


def ended(events) -> dict:
    *_, last = events
    assert isinstance(last, Finished)
    return last.result


class Writer:
    """Somebody who works on while the backup is made: images, manifests, rows, events."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.rounds = 0

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _work(self) -> None:
        store = Store(self._settings.home)
        (manifest,) = (self._settings.home / "datasets").glob("*.json")
        dataset = store.load(manifest.stem)
        project = projects.list_projects()[0]
        while not self._end.is_set():
            self.rounds += 1
            image = Image.new("RGB", (8, 8), (self.rounds % 256, self.rounds // 256, 7))
            first = dataset.items[0].__class__(store.add(image, lossless=True), "cat", "new.png")
            newer = dataset.__class__("More", (*dataset.items, first), parent=manifest.stem)
            projects.add_dataset(project.id, store.save(newer))
            with (self._settings.home / "jobs" / "log.jsonl").open("a") as log:
                log.write(json.dumps({"round": self.rounds}) + "\n")
