"""How images with other channels than red, green and blue meet a network made for those."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from core.backbones.preprocessing import Preprocessing
from core.dataset.channels import RGB, Form
from core.dataset.store import Store
from core.errors import BadRecipe

_MOST_IMAGES = 512
_SIDE = 64
"""Pixels of an image that are measured, about, along each side."""


def adapted(
    usual: Preprocessing,
    form: Form,
    images: Sequence[str],
    store: Store,
    earlier: Preprocessing | None,
) -> Preprocessing:
    """The backbone's own preprocessing for RGB; else one measured on `images`, hashes of that form.

    A run that begins from an earlier one keeps what that measured, since its network is used to
    it. Raises BadRecipe when the earlier one saw images of another form.
    """
    if earlier and earlier.form != form:
        raise BadRecipe(
            f"These images have {form}, but the earlier run was trained on images with "
            f"{earlier.form}. Choose another run, or none."
        )
    if form == RGB:
        return usual
    if earlier:
        return replace(usual, mean=earlier.mean, std=earlier.std, bits=earlier.bits)
    return normalised_like(usual, *channel_statistics(images, store), bits=form.bits)


def channel_statistics(images: Sequence[str], store: Store) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (c,) of stored images of one form, on the scale 0 to 1.

    Of many images, 512 are measured, evenly chosen; of each a grid of about 64 x 64 pixels.
    """
    chosen = images[:: -(-len(images) // _MOST_IMAGES)]
    first, second = [], []
    for image in chosen:
        values = store.array(image)
        step = max(1, min(values.shape[:2]) // _SIDE)
        part = values[::step, ::step] / np.iinfo(values.dtype).max
        first.append(part.mean((0, 1)))
        second.append((part**2).mean((0, 1)))
    mean = np.mean(first, 0)
    return mean, np.sqrt(np.maximum(np.mean(second, 0) - mean**2, 0))


def normalised_like(
    usual: Preprocessing, mean: np.ndarray, std: np.ndarray, *, bits: int
) -> Preprocessing:
    """Preprocessing after which channels of these statistics are as bright and as contrasted for
    the network as the photographs of ImageNet were after `usual`.

    For a backbone that is normalised by ImageNet's own statistics these are mean and std as they
    are. A channel that never changes becomes 0.
    """
    shift, scale = np.mean(usual.mean), np.mean(usual.std)
    bright = (np.mean(IMAGENET_DEFAULT_MEAN) - shift) / scale
    contrast = np.mean(IMAGENET_DEFAULT_STD) / scale
    flat = std < 1e-7
    divided = np.where(flat, 1.0, std / contrast)
    subtracted = np.where(flat, mean, mean - divided * bright)
    return replace(usual, mean=tuple(subtracted.tolist()), std=tuple(divided.tolist()), bits=bits)
