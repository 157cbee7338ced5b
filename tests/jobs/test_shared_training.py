"""A real training that is handed in on one machine, begun on a second and ended on a third."""

import hashlib
import os
import signal
from pathlib import Path

import numpy as np
from made_digits import made_digits
from made_models import photographs
from safetensors.numpy import load_file

from core import jobs, projects
from core.evaluation.report import Report
from core.events import Finished, Started
from core.files import replace_file
from core.jobs.folder import is_checkpoint
from core.model import Model
from core.projects.database import migrate
from core.recipe import Recipe
from core.settings import get_settings
from core.storage import index, shared_storage, storage

from .conftest import Machines, wait_for

STEPS, HOLD = 8, 4
PATIENCE = 600


def handed_in(project: str, dataset: str, hold: int | None = None) -> Path:
    """All layers of the bundled network learn a few steps; with `hold` no further than there."""
    options = {"steps": STEPS, "batch": 8}
    recipe = Recipe(
        dataset=dataset, backbone="tf_efficientnet_lite0", strategy="full", options=options, size=64
    )
    folder = projects.run_folder(projects.create_run(project, recipe))
    if hold is not None:
        replace_file(folder / "hold", str(hold))
    jobs.submit("held_train", folder)
    return folder


def finished(folder: Path) -> Report:
    """Its report, as a page of this machine reads it, once it has ended."""
    wait_for(lambda: jobs.status(folder).state == "finished", PATIENCE, pause=0.5)
    return Report.load(projects.run_folder(folder.name))


def checkpoints(folder: Path) -> dict[str, str]:
    """Those in the store: their hashes by their paths."""
    shared = shared_storage(get_settings())
    assert shared
    with shared.transaction() as connection:
        entries = index.like(connection, f"runs/{folder.name}/%")
    return {each.path: each.sha256 for each in entries if is_checkpoint(Path(each.path))}


def newest_is_kept(folder: Path, there: Path) -> bool:
    """Whether the store has the checkpoint as it is now on the machine with this home."""
    kept = checkpoints(folder)
    now = {path: hashlib.sha256((there / path).read_bytes()).hexdigest() for path in kept}
    return bool(kept) and now == kept


def test_a_training_goes_on_elsewhere_after_kill_9_to_bit_identical_weights(
    machines: Machines, home: Path
) -> None:
    migrate(get_settings())
    project, dataset = projects.create_project("Digits").id, made_digits(get_settings())
    projects.add_dataset(project, dataset.id)
    killed = handed_in(project, dataset.id, HOLD)
    worker, there = machines.start("b")
    # What was done is told before its checkpoint is kept: until then the store has an earlier one.
    wait_for(
        lambda: jobs.status(killed).step == HOLD and newest_is_kept(killed, there),
        PATIENCE,
        pause=0.2,
    )
    (killed / "hold").unlink()
    storage().withdraw([killed / "hold"])
    os.kill(worker.pid, signal.SIGKILL)
    wait_for(lambda: machines.alive() == [], PATIENCE)
    assert not [each for each in killed.iterdir() if is_checkpoint(each)]  # never on this machine
    machines.start("c")
    report = finished(killed)
    whole = handed_in(project, dataset.id)
    undisturbed = finished(whole)
    starts = [each for each in jobs.read_events(killed)[0] if isinstance(each, Started)]
    assert starts[0].resumed_at_step == 0
    assert 0 < starts[1].resumed_at_step <= HOLD
    assert sum(isinstance(each, Finished) for each in jobs.read_events(killed)[0]) == 1
    assert report.predictions == undisturbed.predictions
    one, other = (load_file(each / "model" / "model.safetensors") for each in (killed, whole))
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)
    answers = [Model.load(each / "model").predict(photographs()) for each in (killed, whole)]
    np.testing.assert_array_equal(*answers)
    assert checkpoints(killed) == {}
