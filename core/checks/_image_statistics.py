"""What can be measured on an image without any network, once: fingerprint, light, sharpness.

All of it is read off the thumbnail, because faults that vanish at 256 px do not reach a network
that sees 224, and because it makes a thousand images a matter of seconds.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.float32]

SIDE = 16
_HASHED = 32
_LAYOUT = {
    "hash": (64,),  # perceptual hash: 0 or 1
    "mirrored": (64,),  # that of the mirror image
    "tiny": (SIDE, SIDE, 3),  # the image itself, 0 to 1
    "outline": (32, 32),  # its luminance, 0 to 1: enough to lay two images over each other
    "brightness": (),  # mean luminance, 0 to 1
    "contrast": (),  # deviation of the luminance
    "sharpness": (),  # deviation of the Laplacian against the contrast
    "dark": (),  # share of pixels that are nearly black
    "bright": (),  # share of pixels that are nearly white
    "colour": (),  # mean distance of a pixel from grey
}
LENGTH = sum(int(np.prod(shape)) for shape in _LAYOUT.values())
VERSION = 2
"""Raised when anything here changes, so that what was kept is not read as something else."""


def statistics_of(image: Image.Image) -> npt.NDArray[np.float32]:
    """Everything about one RGB thumbnail as one row of LENGTH numbers; `arrays` names them."""
    rgb = np.asarray(image.convert("RGB"), np.float32) / 255
    grey: Pixels = np.asarray(rgb @ np.array([0.299, 0.587, 0.114]), np.float32)
    contrast = float(grey.std())
    tiny = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
    values = [
        _hash(image),
        _hash(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        np.asarray(tiny, np.float32).ravel() / 255,
        _small(image).ravel() / 255,
        grey.mean(),
        contrast,
        _laplacian(grey) / (contrast + 1e-3),
        (grey < 0.06).mean(),
        (grey > 0.97).mean(),
        np.abs(rgb - grey[..., None]).mean(),
    ]
    return np.concatenate([np.atleast_1d(np.asarray(v, np.float32)) for v in values])


def arrays(rows: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
    """Rows (n, LENGTH) by name: "hash" (n, 64), "tiny" (n, 16, 16, 3), "brightness" (n,), …"""
    named, start = {}, 0
    for name, shape in _LAYOUT.items():
        length = int(np.prod(shape))
        named[name] = rows[:, start : start + length].reshape(len(rows), *shape)
        start += length
    return named


def _hash(image: Image.Image) -> npt.NDArray[np.float32]:
    """The signs of the 64 lowest frequencies against their median (pHash, Zauner 2010)."""
    low = (_COSINES @ _small(image) @ _COSINES.T).ravel()
    hashed: npt.NDArray[np.float32] = (low > np.median(low[1:])).astype(np.float32)
    return hashed


def _small(image: Image.Image) -> Pixels:
    """The luminance in 32 × 32 fields, 0 to 255."""
    small = image.convert("L").resize((_HASHED, _HASHED), Image.Resampling.BOX)
    return np.asarray(small, np.float32)


def _cosines() -> npt.NDArray[np.float32]:
    """The first eight rows of the discrete cosine transform of 32 values."""
    k, n = np.arange(8)[:, None], np.arange(_HASHED)[None]
    waves = np.cos(np.pi * k * (2 * n + 1) / (2 * _HASHED))
    return np.asarray(waves, np.float32)


_COSINES = _cosines()


def _laplacian(grey: Pixels) -> float:
    """Deviation of the second derivative: small where nothing is sharp."""
    if min(grey.shape) < 3:
        return 0.0
    inner = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * inner).std())
