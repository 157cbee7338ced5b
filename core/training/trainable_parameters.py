"""Which parameters of a network learn, and which of its modules leave eval mode for it."""

from torch import nn


def set_trainable(
    network: nn.Module,
    suffix: nn.Module,
    trained: list[nn.Parameter],
    *,
    from_scratch: bool = False,
) -> None:
    """Let exactly these parameters learn; only their modules leave eval mode.

    BatchNorm keeps its pretrained statistics: batches of 32 would only blur them. Only a network
    that begins at random (`from_scratch`) has none to keep.
    """
    chosen = {id(p) for p in trained}
    for parameter in network.parameters():
        parameter.requires_grad_(id(parameter) in chosen)
    for root in (network, suffix):
        root.eval()
        for module in root.modules():
            if any(id(p) in chosen for p in module.parameters()) and (
                from_scratch or not _normalises(module)
            ):
                module.training = True
                for child in module.children():
                    if next(child.parameters(), None) is None:
                        child.train()


def _normalises(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.batchnorm._BatchNorm)
