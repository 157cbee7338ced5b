"""Every choice behind a run, frozen. The same recipe on the same machine gives the same model."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import BadRecipe
from core.files import unsealed

Fit = Literal["squash", "pad", "crop"]
Judge = Literal["held-out", "folds"]
Policy = Literal["plain", "trivial", "rand"]


class Recipe(BaseModel):
    """What to train, on what, and how. JSON round trip; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field(description="Id of the dataset version.")
    backbone: str = Field(description="Name in the catalogue, or any timm name.")
    task: str = Field(
        default="", description="Label column that is learned; empty: the first, or all of them."
    )
    strategy: str = Field(description="File name of the strategy, e.g. feature_extraction.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="What differs from the strategy's own defaults."
    )
    size: int = Field(default=0, ge=0, le=1024, description="Input side in px; 0: the backbone's.")
    fit: Fit = Field(default="squash", description="How an oblong image meets the square input.")
    holdout: float = Field(
        default=0.2, gt=0, lt=1, description="Share of each class kept untouched for the score."
    )
    judge: Judge = Field(
        default="held-out",
        description="With the part kept aside, or with every picture in turn (cross-validation).",
    )
    part: int = Field(
        default=0, ge=0, description="Which part of a cross-validation is the one kept aside."
    )
    start: str = Field(
        default="", description="Run whose trained network is the backbone; empty: the pretrained."
    )
    teacher: str = Field(default="", description="Run whose model teaches this one.")
    seed: int = Field(default=0, ge=0, description="Decides the split and everything random.")

    def to_json(self) -> str:
        """The recipe as indented JSON."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Recipe":
        """Read a recipe back, sealed or not. Raises BadRecipe, naming the key, when it is not one,
        and when it is damaged."""
        try:
            return cls.model_validate_json(unsealed(text))
        except ValidationError as error:
            raise BadRecipe(in_one_sentence(error)) from error
        except ValueError as error:
            raise BadRecipe(
                "The choices of this training are damaged on disk. Choose again and train anew."
            ) from error


def in_one_sentence(error: ValidationError) -> str:
    """A pydantic error as one sentence that names each key and its fault."""
    faults = (
        f"{'.'.join(map(str, fault['loc'])) or 'recipe'}: {fault['msg']}"
        for fault in error.errors()
    )
    return "These choices cannot be used: " + "; ".join(faults) + "."
