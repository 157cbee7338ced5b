"""Every choice behind a run, frozen. The same recipe on the same machine gives the same model."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import BadRecipe
from core.files import unsealed

Fit = Literal["squash", "pad", "crop"]
Evaluation = Literal["holdout", "cross_validation"]
Policy = Literal["plain", "trivial", "rand"]


class Recipe(BaseModel):
    """What to train, on what, and how. JSON round trip; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field(description="Id of the dataset version.")
    backbone: str = Field(description="Name in the catalogue, or any timm name.")
    task: str = Field(
        default="", description="Label column to train on; empty: the first, or all of them."
    )
    strategy: str = Field(description="File name of the strategy, e.g. feature_extraction.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options that differ from the strategy's defaults."
    )
    size: int = Field(default=0, ge=0, le=1024, description="Input side in px; 0: the backbone's.")
    fit: Fit = Field(
        default="squash", description="How a non-square image is fitted into the square input."
    )
    holdout: float = Field(
        default=0.2, gt=0, lt=1, description="Fraction of each class held out for the test."
    )
    evaluation: Evaluation = Field(
        default="holdout",
        description="On held-out images, or on every image in turn (cross-validation).",
    )
    fold: int = Field(default=0, ge=0, description="Which fold of a cross-validation is held out.")
    start: str = Field(
        default="",
        description="Run whose trained network is the backbone; empty: the pretrained one.",
    )
    teacher: str = Field(default="", description="Run whose model is the teacher.")
    seed: int = Field(default=0, ge=0, description="Determines the split and all randomness.")

    def to_json(self) -> str:
        """The recipe as indented JSON."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Recipe":
        """Read a recipe back, sealed or not. Raises BadRecipe, naming the key, when it is not one,
        and when it is damaged."""
        try:
            content = json.loads(unsealed(text))
        except ValueError as error:
            raise BadRecipe(
                "These settings cannot be used: they are damaged. Choose again, then train."
            ) from error
        return cls.from_dict(content)

    @classmethod
    def from_dict(cls, content: Any) -> "Recipe":
        """The recipe of what JSON gave back, also of a version before. Raises BadRecipe."""
        try:
            return cls.model_validate(upgraded(content) if isinstance(content, dict) else content)
        except ValidationError as error:
            raise BadRecipe(in_one_sentence(error)) from error


_KEYS = {"judge": "evaluation", "part": "fold"}
_EVALUATIONS = {"held-out": "holdout", "folds": "cross_validation"}
_OPTIONS = {
    "watch": "validation_fraction",
    "soups": "n_averaged_runs",
    "share": "trainable_fraction",
}
"""Of every strategy, unless it says otherwise."""
_OPTIONS_OF = {
    "continual": {"hold": "teacher_weight"},
    "distillation": {"strength": "teacher_weight"},
    "domain_adaptation": {"strength": "trade_off"},
    "feature_extraction": {"strength": "C"},
    "instance_weighting": {"share": "source_weight"},
    "pseudo_labels": {"sure": "confidence_threshold", "strength": "unlabelled_weight"},
    "self_supervised": {"alone": "self_supervised_steps"},
}


def upgraded(content: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a recipe as a version before wrote them, by the names of today."""
    found = {_KEYS.get(key, key): value for key, value in content.items()}
    if "judge" in content:
        found["evaluation"] = _EVALUATIONS.get(content["judge"], content["judge"])
    names = _OPTIONS | _OPTIONS_OF.get(str(found.get("strategy")), {})
    if isinstance(options := found.get("options"), dict):
        found["options"] = {names.get(name, name): value for name, value in options.items()}
    return found


def in_one_sentence(error: ValidationError) -> str:
    """A pydantic error as one sentence that names each key and its fault."""
    faults = (
        f"{'.'.join(map(str, fault['loc'])) or 'recipe'}: {fault['msg']}"
        for fault in error.errors()
    )
    return "These settings cannot be used: " + "; ".join(faults) + "."
