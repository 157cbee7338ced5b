"""Cutting networks before the first trained parameter."""

import pytest
import timm
import torch

from core.backbones.graph_split import cut, feature_trunk
from core.backbones.stages import stages

NETWORKS = ["tf_efficientnet_lite0", "resnet18", "convnext_atto", "vit_tiny_patch16_224", "vgg11"]


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    torch.manual_seed(0)
    made = timm.create_model(request.param, num_classes=3).eval()
    torch.nn.init.normal_(made.get_classifier().weight)
    return made


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))


def names_of(network, parameters):
    wanted = {id(p) for p in parameters}
    return {name for name, p in network.named_parameters() if id(p) in wanted}


def test_with_the_classifier_alone_trained_the_cut_lies_at_the_features(network, images):
    trained = names_of(network, network.get_classifier().parameters())
    parts = cut(network, trained)
    with torch.no_grad():
        torch.testing.assert_close(parts.prefix(images), feature_trunk(network)(images))


@pytest.mark.parametrize("last", [1, 2, 3])
def test_both_parts_together_compute_what_the_whole_network_does(network, images, last):
    trained = names_of(network, [p for layer in stages(network)[-last:] for p in layer])
    trained |= names_of(network, network.get_classifier().parameters())
    parts = cut(network, trained)
    assert parts.prefix is not None
    with torch.no_grad():
        torch.testing.assert_close(parts.suffix(parts.prefix(images)), network(images))


def test_no_trained_parameter_is_left_before_the_cut(network):
    trained = names_of(network, stages(network)[-1])
    before = {id(p) for p in cut(network, trained).prefix.parameters()}
    assert not before & {id(p) for name, p in network.named_parameters() if name in trained}


def test_learning_in_the_later_part_changes_the_network_itself(network, images):
    trained = names_of(network, network.get_classifier().parameters())
    parts = cut(network, trained)
    with torch.no_grad():
        network.get_classifier().bias.fill_(7)
        torch.testing.assert_close(parts.suffix(parts.prefix(images)), network(images))


def test_nothing_is_split_off_when_the_first_layer_learns(network):
    parts = cut(network, {name for name, _ in network.named_parameters()})
    assert parts.prefix is None
    assert parts.suffix is network


def test_a_network_that_decides_by_values_runs_whole():
    class Deciding(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.last = torch.nn.Linear(4, 2)

        def forward(self, x):
            return self.last(x if x.sum() > 0 else -x)

    network = Deciding().eval()
    assert cut(network, {"last.weight"}).suffix is network
