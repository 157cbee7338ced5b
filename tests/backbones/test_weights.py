"""Pretrained weights: the bundled ones, a folder of local ones, and none at all."""

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from core.backbones.catalogue import CATALOGUE, DEFAULT, availability, get_backbone
from core.backbones.fingerprint import digest, fingerprint
from core.backbones.preprocessing import Preprocessing
from core.backbones.weights import classifier, load_network
from core.errors import BadRecipe, WeightsUnavailable
from core.settings import Settings


def test_the_catalogue_has_at_least_fifteen_rows_that_timm_knows():
    assert len(CATALOGUE) >= 15
    for row in CATALOGUE.values():
        assert timm.is_model(row.architecture), row.name
        assert row.title
        assert row.advice.endswith(".")
        assert row.licence


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_the_catalogue_tells_the_true_size_of_each_network(name):
    with torch.device("meta"):
        network = timm.create_model(name)
    assert sum(p.numel() for p in network.parameters()) == CATALOGUE[name].parameters


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_bundled_weights_recognise_a_cup_of_coffee_and_a_cat(number, tmp_path):
    from skimage import data

    backbone = get_backbone(f"tf_efficientnet_lite{number}")
    settings = Settings(home=tmp_path)
    whole = load_network(backbone, 1000, settings)
    from core.backbones.weights import bundled_state

    state = list(bundled_state(str(backbone.package)).values())
    with torch.no_grad():
        classifier(whole).weight.copy_(state[-2])
        classifier(whole).bias.copy_(state[-1])
    from PIL import Image

    prepared = Preprocessing(backbone.size, "squash", (0.5,) * 3, (0.5,) * 3)
    pictures = [Image.fromarray(data.coffee()), Image.fromarray(data.chelsea())]
    pixels = np.stack([prepared.pixels(picture) for picture in pictures])
    with torch.no_grad():
        coffee, cat = whole(prepared.normalised(pixels)).argmax(1).tolist()
    assert coffee in {504, 967, 968}  # coffee mug, espresso, cup
    assert cat in {281, 282, 285, 287}  # tabby, tiger cat, Egyptian cat, lynx


def test_a_fresh_classifier_knows_nothing(tmp_path):
    network = load_network(get_backbone(DEFAULT), 4, Settings(home=tmp_path))
    with torch.no_grad():
        assert network(torch.rand(1, 3, 224, 224)).abs().max() == 0


def test_the_fingerprint_ignores_the_classifier_and_nothing_else(tmp_path):
    settings = Settings(home=tmp_path)
    network = load_network(get_backbone(DEFAULT), 4, settings)
    assert fingerprint(network) == fingerprint(load_network(get_backbone(DEFAULT), 9, settings))
    before = fingerprint(network)
    with torch.no_grad():
        network.conv_stem.weight[0, 0, 0, 0] += 1e-3
    assert fingerprint(network) != before


def test_the_fingerprint_of_bundled_weights_is_the_hash_of_what_they_are_now(tmp_path):
    """It is told by comparison, which must miss neither a lost sign of nought nor a new part."""

    def hashed(network):
        return digest(network, without=classifier(network))

    network = load_network(get_backbone(DEFAULT), 4, Settings(home=tmp_path))
    assert fingerprint(network) == hashed(network)
    network.to(memory_format=torch.channels_last)
    assert fingerprint(network) == hashed(network)
    mean = network.bn1.running_mean
    for value in (0.0, -0.0):
        mean[0] = value
        assert fingerprint(network) == hashed(network)
    torch.nn.utils.parametrizations.weight_norm(network.conv_head)
    assert fingerprint(network) == hashed(network)


def test_two_networks_of_the_same_backbone_share_nothing(tmp_path):
    one, other = (load_network(get_backbone(DEFAULT), 4, Settings(home=tmp_path)) for _ in "ab")
    with torch.no_grad():
        one.conv_stem.weight.zero_()
    assert other.conv_stem.weight.abs().max() > 0
    one.bn1.eps = 7.0
    assert other.bn1.eps < 1


def test_weights_come_from_a_folder_of_local_files(tmp_path):
    made = timm.create_model("resnet18", num_classes=1000)
    save_file(made.state_dict(), tmp_path / "resnet18.a1_in1k.safetensors")
    settings = Settings(home=tmp_path, weights=tmp_path)
    backbone = get_backbone("resnet18")
    assert availability(backbone, settings) == "folder"
    network = load_network(backbone, 5, settings)
    assert torch.equal(network.layer4[0].conv1.weight, made.layer4[0].conv1.weight)
    assert classifier(network).out_features == 5


def test_a_local_transformer_is_fitted_to_another_input_size(tmp_path):
    made = timm.create_model("vit_small_patch14_dinov2", img_size=56, num_classes=0)
    save_file(made.state_dict(), tmp_path / "vit_small_patch14_dinov2.safetensors")
    settings = Settings(home=tmp_path, weights=tmp_path)
    network = load_network(get_backbone("vit_small_patch14_dinov2.lvd142m"), 3, settings, size=112)
    with torch.no_grad():
        assert network(torch.rand(1, 3, 112, 112)).shape == (1, 3)


def test_a_local_file_of_another_network_is_refused_by_name(tmp_path):
    save_file({"nonsense": torch.zeros(3)}, tmp_path / "resnet18.safetensors")
    with pytest.raises(WeightsUnavailable, match=r"resnet18\.safetensors.*do not fit"):
        load_network(get_backbone("resnet18"), 5, Settings(home=tmp_path, weights=tmp_path))


def test_without_a_network_a_hub_backbone_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        WeightsUnavailable, match=r"ResNet-50 are not on this machine.*GRAFT_WEIGHTS"
    ):
        load_network(get_backbone("resnet50.a1_in1k"), 5, Settings(home=tmp_path, offline=True))


def test_any_other_timm_name_is_accepted():
    assert get_backbone("resnet26").parameters > 10_000_000


@pytest.mark.parametrize("name", ["no_such_network", "../../etc/passwd", "", "x" * 500, "a.b.c"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(BadRecipe):
        get_backbone(name)
