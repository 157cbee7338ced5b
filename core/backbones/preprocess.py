"""From a picture to the numbers a network sees, the same everywhere.

Pillow alone does the geometry, in one resize without shortcuts, and three float32 operations do
the rest, so that the `predict.py` of an exported model can repeat it exactly (core/export).
"""

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from core.errors import BadRecipe
from core.training.recipe import Fit

if TYPE_CHECKING:
    import torch

Interpolation = Literal["bicubic", "bilinear"]

_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
_FITS = ("squash", "pad", "crop")


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a picture meets the square input of a network."""

    size: int
    """Side of the input, in pixels."""
    fit: Fit
    """squash: both sides to the size; pad: the whole picture on a plain ground; crop: the middle
    square."""
    mean: tuple[float, float, float]
    """Subtracted from each colour (red, green, blue), on the scale 0 to 1."""
    std: tuple[float, float, float]
    """Each colour is divided by it afterwards."""
    interpolation: Interpolation = "bicubic"

    def __post_init__(self) -> None:
        """Raise BadRecipe for anything that no picture could be prepared with."""
        if self.size < 1:
            raise BadRecipe(f"The input size must be at least 1 pixel, not {self.size}.")
        if self.fit not in _FITS:
            raise BadRecipe(f"“{self.fit}” is no way to fit an image; choose {', '.join(_FITS)}.")
        if self.interpolation not in _RESAMPLING:
            raise BadRecipe(
                f"“{self.interpolation}” is no interpolation; choose {', '.join(_RESAMPLING)}."
            )
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise BadRecipe("Mean and std need three numbers each, and std must be above 0.")

    def to_json(self) -> str:
        """All fields as one JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Preprocessing":
        """Read it back. Raises BadRecipe when the text is none."""
        try:
            return cls.from_fields(json.loads(text))
        except ValueError as error:
            raise BadRecipe(f"These are no preprocessing settings: {error}.") from error

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> "Preprocessing":
        """Read it back from the object inside another JSON text. Raises BadRecipe."""
        try:
            return cls(
                size=int(fields["size"]),
                fit=fields["fit"],
                mean=_three(fields["mean"]),
                std=_three(fields["std"]),
                interpolation=fields["interpolation"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadRecipe(f"These are no preprocessing settings: {error!r}.") from error

    def square(self, image: Image.Image, *, side: int | None = None) -> Image.Image:
        """The RGB picture as a square of `side` pixels (default: `size`), still RGB."""
        side = side or self.size
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
        # The ground has the network's mean colour: after normalising it is nearly 0 everywhere.
        red, green, blue = (round(255 * value) for value in self.mean)
        ground = Image.new("RGB", (side, side), (red, green, blue))
        corner = ((side - inner[0]) // 2, (side - inner[1]) // 2)
        ground.paste(image.resize(inner, how), corner)
        return ground

    def pixels(self, image: Image.Image, *, side: int | None = None) -> np.ndarray:
        """The square as uint8, shape (3, side, side), contiguous."""
        array = np.asarray(self.square(image, side=side), dtype=np.uint8)
        return np.ascontiguousarray(array.transpose(2, 0, 1))

    def normalised(self, batch: "np.ndarray | torch.Tensor") -> "torch.Tensor":
        """uint8 (n, 3, s, s) as float32 (pixel / 255 - mean) / std, on the device it came on."""
        import torch

        tensor = batch if isinstance(batch, torch.Tensor) else torch.from_numpy(batch)
        mean = torch.tensor(self.mean, device=tensor.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=tensor.device).view(1, 3, 1, 1)
        return tensor.to(torch.float32).div_(255).sub_(mean).div_(std)


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
