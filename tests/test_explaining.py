"""Where a network looked, checked where its reasons are known; and what it is reminded of."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import timm
import torch
from made_models import CLASSES, made_model, photographs
from PIL import Image
from torch import nn

from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import UnreadableImage
from core.evaluation.report import report_of
from core.evaluation.unknowns import Known, prepared
from core.explaining import explain, heat, rank_correlation
from core.model import Model
from core.settings import Settings
from core.training.events import Finished


class Colours(nn.Module):
    """Answers by how much red (0) or blue (2) there is: its reasons are known."""

    num_features = 3

    def __init__(self, last=False):
        super().__init__()
        self.last, self.head = last, nn.Linear(3, 3)
        with torch.no_grad():
            self.head.weight.copy_(torch.eye(3))
            self.head.bias.zero_()

    def forward_features(self, images):
        maps = nn.functional.avg_pool2d(images, 8)
        return maps.permute(0, 2, 3, 1) if self.last else maps

    def forward_head(self, maps, pre_logits=True):
        return maps.mean((1, 2) if self.last else (2, 3))

    def get_classifier(self):
        return self.head


@pytest.mark.parametrize("channels_last", [False, True])
def test_the_map_lies_where_the_reason_is(channels_last):
    image = torch.zeros(1, 3, 64, 64)
    image[0, 0, :16, :16] = 1.0  # red, above left
    image[0, 2, 40:, 40:] = 1.0  # blue, below right
    for answer, (rows, columns) in {0: (0, 0), 2: (6, 6)}.items():
        found = heat(Colours(channels_last), image.clone(), answer)
        assert found.shape == (8, 8)
        assert found[rows, columns] == pytest.approx(1.0)
        assert found.sum() == pytest.approx(found[found > 0.5].sum())
    assert heat(Colours(), image.clone(), 1).max() == 0  # nothing green


@pytest.mark.parametrize(("name", "side"), [("vit_tiny_patch16_224", 4), ("resnet10t", 2)])
def test_transformers_and_convolutions_have_a_map(name, side):
    size = {"img_size": 64} if "vit" in name else {}
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=3, **size).eval()
    found = heat(network, torch.rand(1, 3, 64, 64), 1)
    assert found.shape == (side, side)
    assert 0 <= found.min() <= found.max() <= 1


def test_rank_correlation_is_spearmans():
    from scipy.stats import spearmanr

    one, other = np.random.default_rng(0).integers(0, 5, (2, 6, 6))
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one.ravel(), other.ravel())[0])
    assert rank_correlation(one, one) == pytest.approx(1)
    assert rank_correlation(one, np.zeros((6, 6))) == 0


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that has learned from three photographs."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), device="cpu")
    store, model = Store(settings.home), made_model(settings)
    hashes = [store.add(photograph, lossless=True) for photograph in photographs()]
    items = tuple(Item(image, CLASSES[k], f"{k}.png") for k, image in enumerate(hashes))
    dataset = store.save(Dataset("d", items))
    pixels = np.stack([model.preprocessing.pixels(store.open(image)) for image in hashes])
    seen = model.look(pixels)
    folder = settings.home / "runs" / "00000000000000aa"
    Model(model.network, model.description, Known(prepared(seen.features), 0.3)).save(
        folder / "model"
    )
    (folder / "known.json").write_text(json.dumps(hashes))
    report_of(
        np.arange(3), seen.shares, classes=CLASSES, items=items, backbone="b", strategy="s",
        dataset=dataset, seconds=1, n_train=3,
    ).save(folder)  # fmt: skip
    return SimpleNamespace(folder=folder, settings=settings, hashes=hashes)


def explained(run, **which):
    *_, last = explain(run.folder, run.settings, **which)
    assert isinstance(last, Finished)
    return last.result


def test_an_answer_is_explained_with_a_map_and_the_pictures_it_is_reminded_of(run, tmp_path):
    file = tmp_path / "cat.png"
    photographs()[0].resize((300, 200)).save(file)
    said = explained(run, file=file)
    assert said["map"].startswith("data:image/jpeg;base64,")
    assert -1 <= said["random"] <= 1
    assert said["nearest"][0]["label"] == CLASSES[0]
    assert said["nearest"][0]["cosine"] > said["nearest"][1]["cosine"]


def test_a_learned_picture_is_not_reminded_of_itself(run):
    said = explained(run, image=run.hashes[1])
    assert run.hashes[1] not in [each["image"] for each in said["nearest"]]
    assert len(said["nearest"]) == 2


def test_a_picture_that_is_gone_or_none_is_said_to_be(run, tmp_path):
    with pytest.raises(UnreadableImage):
        explained(run, file=tmp_path / "gone.png")
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(UnreadableImage):
        explained(run, file=tmp_path / "x.png")


def test_a_constant_picture_can_be_explained(run, tmp_path):
    Image.new("RGB", (50, 50), "gray").save(tmp_path / "grey.png")
    assert explained(run, file=tmp_path / "grey.png")["label"] in CLASSES
