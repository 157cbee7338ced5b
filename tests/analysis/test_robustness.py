"""Worse images: what they look like, and that a model of real images is tried on them."""

import json
import os
from dataclasses import asdict, replace

import numpy as np
import pytest
from made_models import made_model, photographs
from PIL import Image

from core.analysis.corruptions import CORRUPTIONS
from core.analysis.robustness import known_robustness, robustness
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import NotFound
from core.evaluation.scoring import report_of
from core.events import Finished, Progress
from core.model import Model
from core.settings import Settings


@pytest.mark.parametrize("kind", list(CORRUPTIONS))
def test_each_strength_changes_an_image_more_than_the_one_before(kind):
    picture = photographs()[0].resize((128, 128))
    before = np.asarray(picture, float)
    changes = []
    for _, strength in CORRUPTIONS[kind].levels:
        worse = CORRUPTIONS[kind].apply(picture, strength, 1)
        assert (worse.size, worse.mode) == (picture.size, "RGB")
        changes.append(np.abs(np.asarray(worse, float) - before).mean())
    assert 1 < changes[0] < changes[1] < changes[2]


@pytest.mark.parametrize("kind", list(CORRUPTIONS))
def test_the_same_image_gets_worse_in_the_same_way_each_time(kind):
    picture = photographs()[1].resize((64, 64))
    one, other = (CORRUPTIONS[kind].apply(picture, 15, 3) for _ in range(2))
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("kind", list(CORRUPTIONS))
def test_a_constant_image_can_be_disturbed(kind):
    plain = Image.new("RGB", (32, 32), "gray")
    for _, strength in CORRUPTIONS[kind].levels:
        assert CORRUPTIONS[kind].apply(plain, strength, 0).size == (32, 32)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with three test images, all of which it answers as it should."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), device="cpu")
    store, made = Store(settings.home), made_model(settings)
    small = replace(made.description, preprocessing=replace(made.preprocessing, size=64))
    model = Model(made.network, small)
    hashes = [store.add(photograph, lossless=True) for photograph in photographs()]
    shares = model.predict([store.open(image) for image in hashes])
    items = [Item(image, "x", f"{k}.png") for k, image in enumerate(hashes)]
    folder = settings.home / "runs" / "00000000000000aa"
    model.save(folder / "model")
    report_of(
        shares.argmax(1), shares, classes=model.classes, items=items, backbone="b", strategy="s",
        dataset=store.save(Dataset("d", tuple(items))), seconds=1, n_train=3,
    ).save(folder)  # fmt: skip
    return folder, list(robustness(folder, settings))


def test_a_model_is_tried_on_every_kind_of_worse_image(run):
    folder, (*events, last) = run
    assert isinstance(last, Finished)
    assert all(isinstance(event, Progress) for event in events)
    assert events[-1].done == events[-1].total
    found = last.result
    assert (found["n"], found["correct"]) == (3, 3)
    assert len(found["conditions"]) == sum(len(d.levels) for d in CORRUPTIONS.values())
    for each in found["conditions"]:
        assert 0 <= each["correct"] <= 3
        assert each["image"].startswith("data:image/jpeg;base64,")
        assert not each["worse"]  # three images show nothing
    known = known_robustness(folder)
    assert json.dumps(asdict(known)) == json.dumps(found)
    assert (known.n, known.correct, known.background.n) == (3, 3, 3)


def test_what_was_found_of_an_earlier_model_is_forgotten(run):
    folder, _ = run
    later = (folder / "robustness.json").stat().st_mtime + 10
    os.utime(folder / "report.json", (later, later))
    assert known_robustness(folder) is None


def test_a_run_without_results_says_so(tmp_path):
    with pytest.raises(NotFound):
        list(robustness(tmp_path, Settings(home=tmp_path, device="cpu")))
    assert known_robustness(tmp_path) is None
