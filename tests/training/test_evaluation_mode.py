"""What a finished model is judged with, on little and on poor material."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from core.analysis.prediction import image_predictions
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import UnusableDataset
from core.evaluation.report import Report
from core.events import Finished
from core.model import Model
from core.training.calibration_data import calibration_images
from core.training.data_split import DataSplit
from core.training.run import train
from core.transfer import FineTuning
from core.transfer.heads import Head


def a_setup(*, validation=60, patience=0, learns="target"):
    labels = np.zeros(200, np.int64)
    return SimpleNamespace(
        strategy=SimpleNamespace(learns=learns), options=FineTuning(patience=patience),
        heads=(Head("", ("a",), slice(0, 1), labels),),
        split=DataSplit(
            train=list(range(100)), validation=list(range(100, 100 + validation)),
            test=list(range(160, 200)), source=[], unlabelled=[], rehearsal=[], retention_test=[],
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("setup", "folds", "origin"),
    [
        (a_setup(), True, "folds"),
        (a_setup(), False, "validation"),
        (a_setup(validation=49), False, "test"),
        (a_setup(patience=3), False, "test"),  # they decided when to stop
        (a_setup(learns="source"), True, "unlabelled"),
    ],
)
def test_the_images_that_are_calibration_images_played_no_part_in_learning(setup, folds, origin):
    split = setup.split
    found, indices = calibration_images(setup, np.zeros((100, 1)) if folds else None)
    assert found == origin
    expected = {"folds": split.train, "validation": split.validation}.get(origin, split.test)
    assert indices == expected


def ran(run_folder, settings, pictures):
    """A finished run on images by class, each given as a colour."""
    store = Store(settings.home)
    items = [
        Item(store.add(Image.new("RGB", (40, 40), colour), lossless=True), name, f"{name}/{k}.png")
        for name, colours in pictures.items()
        for k, colour in enumerate(colours)
    ]
    dataset = Dataset("Plain", tuple(items))
    store.save(dataset)
    folder = run_folder("feature_extraction", dataset=dataset)
    assert isinstance(list(train(folder, settings, lambda: False))[-1], Finished)
    return Report.load(folder).calibration, Model.load(folder / "model")


def test_the_fewest_images_that_can_be_learned_from_promise_nothing(run_folder, settings):
    reds = [(200 + k, 9, k) for k in range(5)]
    blues = [(k, 9, 200 + k) for k in range(5)]
    found, model = ran(run_folder, settings, {"red": reds, "blue": blues})
    assert (found.sets, found.ood) == (None, None)
    assert found.temperature == 1.0
    assert model.reference is None
    assert model.description.conformal_threshold is None


def test_two_images_a_class_are_refused_with_the_remedy(run_folder, settings):
    with pytest.raises(UnusableDataset, match="at least 5 images"):
        ran(run_folder, settings, {"red": ["#f00", "#e00"], "blue": ["#00f", "#00e"]})


def test_constant_images_are_calibration_imagesout_a_fault(run_folder, settings):
    """Their features hardly differ: the border must still be one that such images keep."""
    reds = [(200 + k, 20, 20) for k in range(20)]
    blues = [(20, 20, 200 + k) for k in range(20)]
    found, model = ran(run_folder, settings, {"red": reds, "blue": blues})
    assert found.ood.flagged <= 2
    assert np.isfinite(found.log_loss.after)
    pixels = model.preprocessing.pixels(Image.new("RGB", (40, 40), (220, 20, 20)))
    (row,) = image_predictions(model, ["red"], model.forward(pixels[None]))
    assert (row["label"], row["ood"]) == ("red", False)
