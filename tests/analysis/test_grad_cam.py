"""Where a network looked, checked where its reasons are known; and what it is reminded of."""

import json
from types import SimpleNamespace
from urllib.request import urlopen

import numpy as np
import pytest
import timm
import torch
from made_models import CLASSES, made_model, photographs, reference_of
from PIL import Image
from torch import nn

from core.analysis.grad_cam import checked, explain, explanation_of, heat, is_flat, rank_correlation
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import UnreadableImage
from core.evaluation.ood import save_reference_images
from core.evaluation.scoring import report_of
from core.events import Finished
from core.model import Model
from core.recipe import Recipe
from core.settings import Settings
from core.training.run import train


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


class Edges(nn.Module):
    """Sees edges whatever it has learned: only how much they count is drawn by chance."""

    num_features = 1

    def __init__(self, seed):
        super().__init__()
        self.head = nn.Linear(1, 2)
        with torch.no_grad():
            self.head.weight.copy_(torch.randn(2, 1, generator=torch.Generator().manual_seed(seed)))

    def forward_features(self, images):
        grey = images.mean(1, keepdim=True)
        down, across = grey.diff(dim=2)[..., 1:].abs(), grey.diff(dim=3)[..., 1:, :].abs()
        return nn.functional.adaptive_avg_pool2d(down + across, 7)

    def forward_head(self, maps, pre_logits=True):
        return maps.mean((2, 3))

    def get_classifier(self):
        return self.head


def a_photograph():
    pixels = np.asarray(photographs()[0].resize((224, 224)), np.float32) / 255
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None]


def test_a_map_of_edges_is_said_not_to_depend_on_what_was_learned():
    """Where edges speak against the answer its map is flat: that proves nothing either way."""
    maps = [heat(Edges(seed), a_photograph(), 0) for seed in range(6)]
    flat = [is_flat(each) for each in maps]
    assert 0 < sum(flat) < 5
    own = maps.pop(flat.index(False))
    verdict, correlation = checked(own, maps)
    assert verdict == "independent"
    assert correlation == pytest.approx(1)


def test_maps_upside_down_show_the_image_as_well_and_do_not_cancel():
    own = np.random.default_rng(0).random((7, 7))
    verdict, correlation = checked(own, [own, 1 - own, 1 - own**2])
    assert verdict == "independent"
    assert correlation == pytest.approx(1)


def test_maps_that_have_nothing_in_common_are_told_from_each_other():
    own, *random = np.random.default_rng(0).random((4, 7, 7))
    verdict, correlation = checked(own, random)
    assert verdict == "dependent"
    by_hand = np.mean([abs(rank_correlation(own, each)) for each in random])
    assert correlation == pytest.approx(by_hand)
    assert checked(own, [*random, np.zeros((7, 7)), np.ones((7, 7))]) == (verdict, correlation)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_flat_map_shows_no_place_and_so_there_is_nothing_to_check(level):
    own = np.random.default_rng(0).random((7, 7))
    flat = np.full((7, 7), level)
    assert checked(flat, [own]) == ("flat", None)
    assert checked(flat + 1e-6 * own, [own]) == ("flat", None)
    assert checked(own, [flat, flat, flat]) == ("unchecked", None)


def test_a_map_of_four_fields_is_alike_by_chance_and_so_it_is_not_evaluated():
    own, *random = np.random.default_rng(0).random((4, 2, 2))
    assert checked(own, random) == ("unchecked", None)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that has learned from three photographs."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), device="cpu")
    store, model = Store(settings.home), made_model(settings)
    hashes = [store.add(photograph, lossless=True) for photograph in photographs()]
    items = tuple(Item(image, CLASSES[k], f"{k}.png") for k, image in enumerate(hashes))
    dataset = store.save(Dataset("d", items))
    pixels = np.stack([model.preprocessing.pixels(store.open(image)) for image in hashes])
    output = model.forward(pixels)
    folder = settings.home / "runs" / "00000000000000aa"
    reference = reference_of(model, pixels)
    Model(model.network, model.description, reference).save(folder / "model")
    save_reference_images(hashes, folder)
    report_of(
        np.arange(3), output.probabilities, classes=CLASSES, items=items, backbone="b",
        strategy="s", dataset=dataset, seconds=1, n_train=3,
    ).save(folder)  # fmt: skip
    return SimpleNamespace(folder=folder, settings=settings, hashes=hashes)


def explained(run, **which):
    *_, last = explain(run.folder, run.settings, **which)
    assert isinstance(last, Finished)
    return explanation_of(json.loads(json.dumps(last.result)))


def test_an_answer_is_explained_with_a_map_and_the_images_it_is_reminded_of(run, tmp_path):
    file = tmp_path / "cat.png"
    photographs()[0].resize((300, 200)).save(file)
    said = explained(run, file=file)
    assert said.map.startswith("data:image/jpeg;base64,")
    assert 0 <= said.rank_correlation <= 1
    assert said.verdict in ("dependent", "independent")
    assert said.nearest[0].label == CLASSES[0]
    assert said.nearest[0].cosine > said.nearest[1].cosine


def test_a_learned_image_is_not_reminded_of_itself(run):
    said = explained(run, image=run.hashes[1])
    assert run.hashes[1] not in [each.image for each in said.nearest]
    assert len(said.nearest) == 2


def test_an_image_that_is_gone_or_none_is_said_to_be(run, tmp_path):
    with pytest.raises(UnreadableImage):
        explained(run, file=tmp_path / "gone.png")
    (tmp_path / "x.png").write_bytes(b"no image")
    with pytest.raises(UnreadableImage):
        explained(run, file=tmp_path / "x.png")


def test_a_constant_image_can_be_explained(run, tmp_path):
    Image.new("RGB", (50, 50), "gray").save(tmp_path / "grey.png")
    assert explained(run, file=tmp_path / "grey.png").label in CLASSES


def test_nothing_is_marked_where_nothing_speaks_for_the_answer(run, tmp_path):
    """A classifier that heeds nothing but its bias."""
    model = Model.load(run.folder / "model")
    with torch.no_grad():
        model.network.get_classifier().weight.zero_()
    model.save(tmp_path / "model")
    said = explained(SimpleNamespace(folder=tmp_path, settings=run.settings), image=run.hashes[0])
    assert (said.verdict, said.rank_correlation) == ("flat", None)
    with urlopen(said.map) as file:
        shown = np.asarray(Image.open(file).convert("RGB"), np.int16)
    assert np.ptp(shown, axis=2).max() < 8  # grey all over


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A run that has really learned, from pieces of four photographs; and a new piece of each."""
    from skimage import data

    settings = Settings(home=tmp_path_factory.mktemp("home"), device="cpu")
    store, chance, items, new = Store(settings.home), np.random.default_rng(0), [], []
    for name in ("chelsea", "coffee", "astronaut", "rocket"):
        photograph = Image.fromarray(getattr(data, name)())
        for number in range(9):
            side = int(chance.integers(150, 280))
            x, y = (int(chance.integers(0, edge - side)) for edge in photograph.size)
            piece = photograph.crop((x, y, x + side, y + side))
            image = store.add(piece, lossless=True)
            if number:
                items.append(Item(image, name, f"{name}/{number}.png"))
            else:
                new.append(image)
    dataset = store.save(Dataset("Pieces", tuple(items)))
    folder = settings.home / "runs" / "00000000000000bb"
    folder.mkdir(parents=True)
    recipe = Recipe(
        dataset=dataset, backbone="tf_efficientnet_lite0", strategy="feature_extraction"
    )
    (folder / "recipe.json").write_text(recipe.to_json())
    assert isinstance(list(train(folder, settings, lambda: False))[-1], Finished)
    return SimpleNamespace(folder=folder, settings=settings, hashes=new)


def test_a_network_that_has_learned_is_said_to_show_what_it_learned(learned):
    for image in learned.hashes:
        said = explained(learned, image=image)
        assert said.verdict == "dependent"
        assert said.rank_correlation < 0.5
