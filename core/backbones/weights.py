"""Building a network and putting its pretrained weights into it."""

import importlib
import pickle
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import timm
import torch
from safetensors import SafetensorError, safe_open
from timm.models import adapt_input_conv
from torch import nn
from torch.nn.utils import parametrize

from core import seeding
from core.backbones.catalogue import CATALOGUE, DEFAULT, Backbone, hub_file, local_file
from core.backbones.integrity import require_as_packed, require_undamaged
from core.errors import BadRecipe, HubUnreachable, WeightsUnavailable
from core.settings import Settings

_HEAD = "pretrained_head"
PACKAGE = "pretrained_package"
"""Where a network bears the package that its weights are from, and the names of its tensors."""
_UNFIT = (
    "The bundled weights do not fit the installed version of timm. Install the version in "
    "requirements.txt."
)


def load_network(
    backbone: Backbone,
    classes: int,
    settings: Settings,
    *,
    size: int = 0,
    pretrained: bool = True,
    channels: int = 3,
) -> nn.Module:
    """The backbone with a fresh, zeroed classifier for `classes` classes, in eval mode, on the CPU.

    `size` is the input side in pixels (0: the backbone's own). For other than three `channels` the
    pretrained first layer is adapted: summed over the colours for one, else repeated and scaled so
    that its answers stay as strong (timm's adapt_input_conv). Raises WeightsUnavailable with the
    way out when the pretrained weights cannot be had, BadRecipe when they cannot be adapted.
    """
    shape = _shape(backbone, size or backbone.size)
    if channels != 3:
        _require_adaptable(backbone, shape, channels)
        shape["in_chans"] = channels
    if not pretrained:
        network: nn.Module = timm.create_model(backbone.name, num_classes=classes, **shape)
    elif backbone.package:
        network = _copy_of(backbone.name, **shape)
        with torch.device("meta"):
            network.reset_classifier(classes)  # type: ignore[operator]
        _load_trunk(network, bundled_state(str(backbone.package)))
        if channels == 3:
            vars(network)[PACKAGE] = str(backbone.package), *network.state_dict()
    else:
        network = _through_timm(backbone, classes, settings, shape)
    with torch.no_grad():
        for parameter in classifier(network).parameters():
            parameter.zero_()
    return network.eval()


def classifier(network: nn.Module) -> nn.Linear:
    """The last layer of a timm network, which reads features (n, d)."""
    return cast(nn.Linear, network.get_classifier())  # type: ignore[operator]


def pretrained_head(network: nn.Module) -> nn.Linear | None:
    """The classifier that the network was pretrained with, to read the features it gives now.

    None where it is not known: the network was never trained on classes, or is no longer what it
    was.
    """
    known = vars(network).get(_HEAD)
    if known is None:
        return None
    weight, bias = known
    with torch.device("meta"):
        head = nn.Linear(weight.shape[1], weight.shape[0])
    head.load_state_dict({"weight": weight.clone(), "bias": bias.clone()}, assign=True)
    return head


def remember_head(network: nn.Module, head: tuple[torch.Tensor, torch.Tensor] | None) -> None:
    """Keep the weight (classes, d) and bias (classes,) that `pretrained_head` gives."""
    vars(network)[_HEAD] = head  # no parameter of the network: it is neither trained nor saved


def original_classifier() -> tuple[np.ndarray, np.ndarray]:
    """Of the usual backbone: the weight (1000, d) and bias (1000,) of ImageNet's classes, which
    its package keeps. They read the same features that a new classifier does."""
    state = bundled_state(str(CATALOGUE[DEFAULT].package))
    *_, weight, bias = state.values()
    return weight.numpy(), bias.numpy()


def merge(network: nn.Module) -> None:
    """Make every parametrised weight a plain one of the same value."""
    for part in list(network.modules()):
        if parametrize.is_parametrized(part):
            for weight in list(part.parametrizations):  # type: ignore[arg-type]
                parametrize.remove_parametrizations(part, weight, leave_parametrized=True)


@cache
def _shapes(name: str, **shape: int) -> nn.Module:
    """A network without values: no time is lost on random weights, nor on building it again."""
    with torch.device("meta"):
        network: nn.Module = timm.create_model(name, **shape)
    return network


def _copy_of(name: str, **shape: int) -> nn.Module:
    """A copy of its own of `_shapes`: read back from memory, which is far quicker than deepcopy."""
    network: nn.Module = pickle.loads(_pickled(name, **shape))  # noqa: S301 - made in this process
    return network


@cache
def _pickled(name: str, **shape: int) -> bytes:
    return pickle.dumps(_shapes(name, **shape), pickle.HIGHEST_PROTOCOL)


def _require_adaptable(backbone: Backbone, shape: dict[str, int], channels: int) -> None:
    """Raise BadRecipe unless other channels change nothing but a first layer that reads colours."""
    try:
        usual = _shapes(backbone.name, **shape).state_dict()
        other = _shapes(backbone.name, **shape, in_chans=channels).state_dict()
    except (TypeError, RuntimeError, ValueError, AssertionError):
        usual, other = {}, {}
    changed = [name for name, tensor in usual.items() if other[name].shape != tensor.shape]
    config = timm.models.get_pretrained_cfg(backbone.name, allow_unregistered=True)
    named = config.first_conv if config else None
    first = {f"{name}.weight" for name in ((named,) if isinstance(named, str) else named or ())}
    if not changed or not first.issuperset(changed) or any(usual[n].shape[1] != 3 for n in changed):
        raise BadRecipe(
            f"{backbone.title} reads RGB images only: its first layer cannot be adapted to "
            f"{channels} channel{'s'[: channels > 1]}. Choose another backbone, such as "
            "EfficientNet-Lite0, or import the images again as RGB."
        )


def _shape(backbone: Backbone, size: int) -> dict[str, int]:
    """What to tell timm so that a network with a fixed input takes `size` pixels."""
    config = timm.models.get_pretrained_cfg(backbone.name, allow_unregistered=True)
    fixed = bool(config and config.fixed_input_size)
    return {"img_size": size} if fixed and config.input_size[-1] != size else {}


@cache
def bundled_state(package: str) -> dict[str, torch.Tensor]:
    """The tensors of an installed weights package, in their file's order; not to be changed."""
    folder = Path(importlib.import_module(package).__file__ or "").parent / "models"
    file = next(folder.glob("*.pth"))
    require_as_packed(file, package)
    state: dict[str, torch.Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return state


def _load_trunk(network: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Load by position: the packages name the same tensors otherwise, in the same order."""
    own = network.state_dict()
    if len(own) != len(state):
        raise WeightsUnavailable(_UNFIT)
    heads = {name for name, module in network.named_modules() if module is classifier(network)}
    renamed = {
        name: tensor.clone()
        for name, tensor in zip(own, state.values(), strict=True)
        if name.rsplit(".", 1)[0] not in heads
    }
    first = next(iter(own))  # of the bundled networks it is the convolution that reads the image
    renamed[first] = adapt_input_conv(own[first].shape[1], renamed[first])
    if any(own[name].shape != tensor.shape for name, tensor in renamed.items()):
        raise WeightsUnavailable(_UNFIT)
    network.load_state_dict(renamed, strict=False, assign=True)
    classifier(network).to_empty(device="cpu")
    weight, bias = (t for n, t in zip(own, state.values(), strict=True) if n not in renamed)
    remember_head(network, (weight, bias))


def _through_timm(
    backbone: Backbone, classes: int, settings: Settings, shape: dict[str, int]
) -> nn.Module:
    """timm's own loading: from a local file, its cache, or the hub."""
    file = local_file(backbone, settings) or hub_file(backbone)
    if file is None and settings.offline:
        raise WeightsUnavailable(_way_out(backbone))
    if file is None and not hub_answers():
        raise HubUnreachable(_way_out(backbone))
    if file:
        require_undamaged(Path(file), settings)
    # The classifier's shape differs, so timm drops it and resizes position embeddings as needed.
    overlay = {"pretrained_cfg_overlay": {"file": str(file)}} if file else {}
    try:
        with seeding.torch_stream(0, "new layers"):
            network: nn.Module = timm.create_model(
                backbone.name, pretrained=True, num_classes=classes, **shape, **overlay
            )
        with seeding.torch_stream(0, "new layers"):
            blank: nn.Module = timm.create_model(backbone.name, num_classes=classes, **shape)
    except (OSError, RuntimeError, KeyError, ValueError, SafetensorError) as error:
        if file:
            raise WeightsUnavailable(_no_fit(backbone, file)) from error
        raise HubUnreachable(_way_out(backbone)) from error
    if not _all_replaced(network, blank):
        raise WeightsUnavailable(_no_fit(backbone, file or "the hub's file"))
    remember_head(network, _head_in(file or hub_file(backbone), network))
    return network


def _head_in(
    file: Path | str | None, network: nn.Module
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Weight and bias of the linear classifier that the file of pretrained weights holds."""
    name = getattr(network, "pretrained_cfg", {}).get("classifier")
    if file is None or not isinstance(name, str):
        return None
    with safe_open(file, "pt") as stored:
        if not {f"{name}.weight", f"{name}.bias"} <= {*stored.keys()}:
            return None
        weight, bias = stored.get_tensor(f"{name}.weight"), stored.get_tensor(f"{name}.bias")
    width = classifier(network).in_features
    return (weight, bias) if weight.dim() == 2 and weight.shape[1] == width else None


def _all_replaced(network: nn.Module, blank: nn.Module) -> bool:
    """Whether no random weight is left outside the classifier; timm itself would let that pass."""
    head = {id(parameter) for parameter in classifier(network).parameters()}
    pairs = zip(network.parameters(), blank.parameters(), strict=True)
    return not any(
        torch.equal(own, random)
        for own, random in pairs
        if id(own) not in head and own.dim() > 1 and bool(random.any())
    )


def _no_fit(backbone: Backbone, file: Path | str) -> str:
    return (
        f"The weights of {backbone.title} in “{Path(file).name}” do not fit the network "
        f"“{backbone.name}”. Replace the file or choose another backbone."
    )


def hub_answers() -> bool:
    """Whether the model hub can be reached at all; asked first, for its client retries for long."""
    from huggingface_hub.constants import ENDPOINT

    try:
        urllib.request.urlopen(urllib.request.Request(ENDPOINT, method="HEAD"), timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _way_out(backbone: Backbone) -> str:
    return (
        f"The weights of {backbone.title} are not on this machine and cannot be downloaded. "
        "Choose a backbone marked “ready”, connect to the internet, or put "
        f"“{backbone.name}.safetensors” into the folder GRAFT_WEIGHTS."
    )
