"""Which network this is: a hash of its weights, told quickly where they are a package's own."""

import hashlib
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.utils import parametrize

from core.backbones.catalogue import Backbone
from core.backbones.weights import PACKAGE, bundled_state, classifier, load_network
from core.settings import Settings


def fingerprint(network: nn.Module) -> str:
    """A short hash of everything but the classifier: two trunks with it compute the same.

    To compare a network with the bundled weights that it began from takes a fraction of the time
    that hashing takes; where they are still the same, so is the hash.
    """
    key = _as_bundled(network)
    if key is None:
        return digest(network, without=classifier(network))
    if key not in _BUNDLED:
        _BUNDLED[key] = digest(network, without=classifier(network))
    return _BUNDLED[key]


_BUNDLED: dict[tuple[str, ...], str] = {}
"""Hashes by what `_as_bundled` gives."""


def _as_bundled(network: nn.Module) -> tuple[str, ...] | None:
    """Of a network whose trunk is to the last bit that of a bundled package: the package, the kind
    of network and the names of its tensors. None for any other."""
    began, own = vars(network).get(PACKAGE), network.state_dict()
    if began is None or began[1:] != (*own,) or {name for name, _ in _in_effect(network)} != {*own}:
        return None
    package, state = began[0], bundled_state(began[0])
    head = {id(tensor) for tensor in classifier(network).parameters()}
    head_names = {name for name, tensor in network.named_parameters() if id(tensor) in head}
    pairs = zip(own.items(), state.values(), strict=True)
    same = all(_equal(mine, theirs) for (name, mine), theirs in pairs if name not in head_names)
    return (package, type(network).__name__, *own) if same else None


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether all bits are: 0 and -0 differ."""
    if one.dtype != other.dtype or one.shape != other.shape or one.device != other.device:
        return False
    if one.dtype == torch.float32:
        one, other = one.view(torch.int32), other.view(torch.int32)
    elif one.dtype.is_floating_point:
        return False
    return torch.equal(one, other)


def digest(module: nn.Module, *, without: nn.Module | None = None) -> str:
    """A short hash of a module's weights and of their names."""
    left_out = {id(tensor) for tensor in without.parameters()} if without else set()
    made = hashlib.blake2b(type(module).__name__.encode(), digest_size=8)
    for name, tensor in sorted(_in_effect(module), key=lambda pair: pair[0]):
        if id(tensor) not in left_out:
            made.update(name.encode())
            plain = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            made.update(plain.numpy().data)
    return made.hexdigest()


def _in_effect(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Parameters and buffers as they act: one that is parametrised counts as what it computes."""
    for name, part in module.named_modules():
        prefix = f"{name}." if name else ""
        if ".parametrizations." in f".{prefix}":
            continue
        own = [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]
        if parametrize.is_parametrized(part):
            own += [(weight, getattr(part, weight)) for weight in part.parametrizations]
        yield from ((prefix + inner, tensor) for inner, tensor in own)


def preload(backbone: Backbone, settings: Settings) -> None:
    """Read what load_network and fingerprint need of a bundled backbone, so that both are quicker
    from then on.

    Starts none of torch's threads: a process may still be forked after it.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        fingerprint(load_network(backbone, 2, settings))
    finally:
        torch.set_num_threads(threads)
