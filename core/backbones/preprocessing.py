"""From an image to the numbers a network sees, the same everywhere.

Pillow alone does the geometry, in one resize without shortcuts, and three float32 operations do
the rest, so that the `predict.py` of an exported model can repeat it exactly (core/export).
Images kept as they are (core.dataset.channels) go through the same, channel by channel.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from core.dataset.channels import MOST_CHANNELS, RGB, Array, Form
from core.errors import BadRecipe, UnreadableImage
from core.recipe import Fit

if TYPE_CHECKING:
    import torch

    from core.backbones.catalogue import Backbone

Interpolation = Literal["bicubic", "bilinear"]

_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
_FITS = ("squash", "pad", "crop")


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How an image meets the square input of a network."""

    size: int
    """Side of the input, in pixels."""
    fit: Fit
    """squash: both sides to the size; pad: the whole image on a plain ground; crop: the middle
    square."""
    mean: tuple[float, ...]
    """Subtracted from each channel (red, green, blue), on the scale 0 to 1."""
    std: tuple[float, ...]
    """Each channel is divided by it afterwards."""
    interpolation: Interpolation = "bicubic"
    bits: int = 8
    """Of each channel's values: 8 or 16."""

    def __post_init__(self) -> None:
        """Raise BadRecipe for anything that no image could be prepared with."""
        if self.size < 1:
            raise BadRecipe(f"The input size must be at least 1 pixel, not {self.size}.")
        if self.fit not in _FITS:
            raise BadRecipe(
                f"“{self.fit}” is not a way to fit an image. Choose one of: {', '.join(_FITS)}."
            )
        if self.interpolation not in _RESAMPLING:
            raise BadRecipe(
                f"“{self.interpolation}” is not an interpolation. Choose one of: "
                f"{', '.join(_RESAMPLING)}."
            )
        count = len(self.mean)
        if not 1 <= count <= MOST_CHANNELS or len(self.std) != count or min(self.std) <= 0:
            raise BadRecipe(
                "Mean and std need one number per channel (three for RGB), and std must be above 0."
            )
        if self.bits not in (8, 16):
            raise BadRecipe(f"Channels must have 8 or 16 bits, not {self.bits}.")

    @property
    def form(self) -> Form:
        """Of the images that can be prepared."""
        return Form(len(self.mean), self.bits)

    @property
    def full(self) -> int:
        """The largest value of a pixel."""
        return 255 if self.bits == 8 else 65535

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Of the prepared pixels."""
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)

    @property
    def key(self) -> str:
        """What a frozen network's answers depend on besides itself, for the names of caches."""
        if self.form == RGB:  # then the backbone decides mean and std
            return f"{self.size}-{self.fit}"
        text = repr((self.mean, self.std, self.bits))
        return f"{self.size}-{self.fit}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def to_json(self) -> str:
        """All fields as one JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Preprocessing":
        """Read it back. Raises BadRecipe when the text is none."""
        try:
            return cls.from_fields(json.loads(text))
        except ValueError as error:
            raise BadRecipe(f"These preprocessing settings cannot be used: {error}.") from error

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> "Preprocessing":
        """Read it back from the object inside another JSON text. Raises BadRecipe."""
        try:
            return cls(
                size=int(fields["size"]),
                fit=fields["fit"],
                mean=tuple(float(value) for value in fields["mean"]),
                std=tuple(float(value) for value in fields["std"]),
                interpolation=fields["interpolation"],
                bits=int(fields.get("bits", 8)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadRecipe(f"These preprocessing settings cannot be used: {error!r}.") from error

    def square(self, image: Image.Image, *, side: int | None = None) -> Image.Image:
        """The RGB image as a square of `side` pixels (default: `size`), still RGB."""
        # The ground has the network's mean colour: after normalising it is nearly 0 everywhere.
        return self._squared(image, side or self.size, tuple(round(255 * v) for v in self.mean))

    def _squared(
        self, image: Image.Image, side: int, ground: float | tuple[int, ...]
    ) -> Image.Image:
        how = _RESAMPLING[self.interpolation]
        width, height = image.size
        if self.fit == "squash":
            return image.resize((side, side), how)
        if self.fit == "crop":
            edge = min(width, height)
            left, top = (width - edge) / 2, (height - edge) / 2
            return image.resize((side, side), how, box=(left, top, left + edge, top + edge))
        longer = max(width, height)
        inner = (max(1, round(width * side / longer)), max(1, round(height * side / longer)))
        whole = Image.new(image.mode, (side, side), ground)
        corner = ((side - inner[0]) // 2, (side - inner[1]) // 2)
        whole.paste(image.resize(inner, how), corner)
        return whole

    def pixels(self, image: Image.Image | Array, *, side: int | None = None) -> np.ndarray:
        """The square as `dtype`, shape (channels, side, side), contiguous.

        `image` is RGB, or an array (h, w, c). Raises UnreadableImage when it is of another form.
        """
        if self.form == RGB and isinstance(image, Image.Image):
            array = np.asarray(self.square(image, side=side), dtype=np.uint8)
            return np.ascontiguousarray(array.transpose(2, 0, 1))
        values = self._require_form(image)
        planes = [
            self._squared(
                Image.fromarray(values[..., channel].astype(np.float32)),
                side or self.size,
                min(max(self.full * self.mean[channel], 0.0), float(self.full)),
            )
            for channel in range(values.shape[2])
        ]
        square: np.ndarray = np.rint(np.stack([np.asarray(plane) for plane in planes]))
        return square.clip(0, self.full).astype(self.dtype)

    def _require_form(self, image: Image.Image | Array) -> Array:
        values = np.asarray(image)
        found = Form(values.shape[2], 8 * values.dtype.itemsize)
        if found == RGB and self.form == Form(1, 8):  # as any eye would see it in grey
            return np.asarray(Image.fromarray(values).convert("L"))[..., None]
        if found != self.form:
            raise UnreadableImage(
                f"The image has {found}, but the model was trained on images with {self.form}. "
                "Use images like those."
            )
        return values

    def normalised(self, batch: "np.ndarray | torch.Tensor") -> "torch.Tensor":
        """Pixels (n, c, s, s) as float32 (pixel / full - mean) / std, on the device they came on.

        `full` is 255, or 65,535 of 16 bits; floats are on that scale too.
        """
        import torch

        tensor = batch if isinstance(batch, torch.Tensor) else torch.from_numpy(batch)
        mean = torch.tensor(self.mean, device=tensor.device).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=tensor.device).view(1, -1, 1, 1)
        return tensor.to(torch.float32).div_(self.full).sub_(mean).div_(std)


def preprocessing_of(backbone: "Backbone", *, size: int = 0, fit: Fit = "squash") -> Preprocessing:
    """How images meet this backbone: its own statistics, and its own input side where `size` is
    0."""
    import timm

    config: Any = timm.models.get_pretrained_cfg(backbone.name, allow_unregistered=True)
    how: Interpolation = "bilinear" if config.interpolation == "bilinear" else "bicubic"
    return Preprocessing(size or backbone.size, fit, tuple(config.mean), tuple(config.std), how)
