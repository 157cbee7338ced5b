"""The layers of a network in order, as timm groups them."""

from timm.models import group_parameters
from torch import nn

from core.backbones.weights import classifier


def stages(network: nn.Module) -> list[list[nn.Parameter]]:
    """Parameters layer by layer from the input on, without the classifier.

    A layer is a residual stage of a convolutional network, a block of a transformer, or the stem.
    """
    own = dict(network.named_parameters())
    head = {id(p) for p in classifier(network).parameters()}
    groups = group_parameters(network, network.group_matcher(coarse=True))  # type: ignore[operator]
    layers = [
        [own[name] for name in names if id(own[name]) not in head] for names in groups.values()
    ]
    return [layer for layer in layers if layer]
