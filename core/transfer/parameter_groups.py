"""Which parameters of a network learn in a phase, as torch's optimisers take them."""

from core.transfer.phases import Group, Network


def head_groups(network: Network, lr: float) -> list[Group]:
    """The classifier alone, as one parameter group."""
    from core.backbones.weights import classifier

    return [{"params": list(classifier(network).parameters()), "lr": lr}]


def last_groups(network: Network, *, fraction: float, lr: float) -> list[Group]:
    """The classifier, and this fraction of the layers counted from the end."""
    from core.backbones.stages import stages

    layers = stages(network)
    kept = max(1, round(fraction * len(layers)))
    last = [parameter for layer in layers[-kept:] for parameter in layer]
    return [*head_groups(network, 3 * lr), {"params": last, "lr": lr}]
