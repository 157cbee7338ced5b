"""A damaged model, result or checkpoint is named with what to do about it, and is never used."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from damage import damaged, flipped, overwrite
from safetensors.numpy import load_file, save_file
from thirty_digits import run_folder
from torch import nn

from core.dataset.store import Store
from core.errors import BadInput, BadRecipe, Damaged, NotFound
from core.evaluation.ood import FILE as KNOWN
from core.evaluation.ood import ReferenceFeatures
from core.evaluation.report import Report
from core.events import Finished, Note, Step, Stopped
from core.export.formats import export
from core.files import replace_file, sealed, unsealed
from core.model import WEIGHTS, Model
from core.model_description import DESCRIPTION
from core.recipe import Recipe
from core.training.checkpoint import Checkpoints, RunState
from core.training.run import train

STEPS = {"steps": 4, "batch": 8}


@pytest.fixture(scope="module")
def run(digits, settings, tmp_path_factory):
    """A finished run."""
    folder = run_folder(tmp_path_factory.mktemp("runs") / "run", digits)
    assert isinstance(list(train(folder, settings, lambda: False))[-1], Finished)
    return folder


def noting(events, steps):
    """The events, with the steps among them noted as they come."""
    for event in events:
        steps += [event] if isinstance(event, Step) else []
        yield event


@pytest.mark.parametrize("name", [WEIGHTS, DESCRIPTION, KNOWN])
def test_a_damaged_model_is_named_and_neither_used_nor_taken_away(run, settings, tmp_path, name):
    model, zipped = run / "model", tmp_path / "model.zip"
    if name == KNOWN:
        sound = Model.load(model)
        known = sound.reference or _known(sound)
        replace(sound, reference=known).save(model)
    with damaged(model / name) as harmed:
        for content in harmed.values():
            overwrite(model / name, content)
            with pytest.raises(BadInput, match=r"cannot be opened.*damaged.*Train it again"):
                Model.load(model)
        with pytest.raises(BadInput, match="damaged"):
            list(export(run, zipped, settings))
    assert not zipped.exists()


def _known(model):
    return ReferenceFeatures(np.ones((3, 4), np.float16), 0.5)


def test_a_model_of_an_earlier_version_predicts_as_ever(run, digits, settings, tmp_path):
    store = Store(settings.home)
    pictures = [store.open(item.image) for item in digits.items[:4]]
    model = Model.load(run / "model")
    replace(model, reference=None).save(tmp_path / "model")
    old = tmp_path / "model"
    (old / DESCRIPTION).write_text(unsealed((old / DESCRIPTION).read_bytes()), "utf-8")
    save_file(load_file(old / WEIGHTS), old / WEIGHTS, {"format": "pt"})
    np.testing.assert_array_equal(Model.load(old).predict(pictures), model.predict(pictures))


@pytest.mark.parametrize("name", ["report.json", "recipe.json"])
def test_damaged_results_and_choices_are_named(run, digits, tmp_path, name):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    file = copy / name
    if name == "recipe.json":
        replace_file(file, sealed(file.read_text()))
    with damaged(file) as harmed:
        for content in harmed.values():
            overwrite(file, content)
            if name == "report.json":
                with pytest.raises(NotFound, match=r"damaged and cannot be read. Train it again"):
                    Report.load(copy)
            else:
                with pytest.raises(BadRecipe, match=r"damaged|cannot be used"):
                    Recipe.from_json(file.read_bytes())


def test_no_damaged_checkpoint_is_gone_on_with(tmp_path):
    network, checkpoints = nn.Linear(2, 2), Checkpoints(tmp_path)
    checkpoints.write(RunState(step=3), network, {"mean": torch.ones(2)})
    before = network.weight.detach().clone()
    with damaged(checkpoints.file) as harmed:
        for how, content in harmed.items():
            checkpoints.file.write_bytes(content)
            with pytest.raises(Damaged):
                checkpoints.read(network)
            assert torch.equal(network.weight, before), how
    assert checkpoints.read(network)[0].step == 3


def test_a_training_whose_checkpoint_is_damaged_begins_anew_and_ends_the_same(
    digits, settings, tmp_path
):
    whole = run_folder(tmp_path / "whole", digits, "full", **STEPS)
    assert isinstance(list(train(whole, settings, lambda: False))[-1], Finished)
    halved = run_folder(tmp_path / "halved", digits, "full", **STEPS)
    steps: list[Step] = []
    *_, last = noting(train(halved, settings, lambda: len(steps) >= 2), steps)
    assert isinstance(last, Stopped)
    checkpoint = halved / "checkpoint.safetensors"
    overwrite(checkpoint, flipped(checkpoint.read_bytes(), checkpoint.stat().st_size // 2))
    _, note, *_, last = train(halved, settings, lambda: False)
    assert isinstance(note, Note)
    assert "damaged, so training starts over" in note.text
    assert isinstance(last, Finished)
    ours, theirs = (load_file(folder / "model" / WEIGHTS) for folder in (halved, whole))
    for name, values in theirs.items():
        np.testing.assert_array_equal(ours[name], values)
