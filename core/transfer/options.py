"""The choices within a strategy, and those that strategies have in common."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.recipe import Policy

Mirror = Literal["auto", "yes", "no"]


class Options(BaseModel):
    """The choices within a strategy. Unknown names and values out of range are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def option(default: Any, title: str, advice: str, *, main: bool = False, **limits: Any) -> Any:
    """A field with what a person reads about it; `main` ones are shown without asking."""
    return Field(
        default, title=title, description=advice, json_schema_extra={"main": main}, **limits
    )


class FineTuning(Options):
    """What every strategy with gradient steps has in common."""

    steps: int = option(
        300, "Training steps",
        "Each step trains on one batch of images. More steps fit closer, but take longer.",
        main=True, ge=1, le=20_000,
    )  # fmt: skip
    mirror: Mirror = option(
        "auto", "Mirror images",
        "Mirrored copies help when left and right do not matter. “auto” tests it on your "
        "images.",
        main=True,
    )  # fmt: skip
    lr: float = option(
        3e-4, "Learning rate",
        "Smaller preserves more of what the network knows.", gt=0, le=1,
    )  # fmt: skip
    batch: int = option(32, "Batch size", "Larger is more stable and slower.", ge=2, le=1024)
    weight_decay: float = option(
        0.02, "Weight decay",
        "Keeps weights small, which reduces overfitting.", ge=0, le=1,
    )  # fmt: skip
    label_smoothing: float = option(
        0.05, "Label smoothing",
        "A little doubt keeps the model from becoming overconfident.", ge=0, le=0.5,
    )  # fmt: skip
    smallest_crop: float = option(
        0.5, "Smallest crop",
        "Random crops of each image are shown; 1 shows it whole.", gt=0.05, le=1,
    )  # fmt: skip
    colour: float = option(
        0.2, "Colour jitter",
        "How much plain augmentation varies brightness and contrast.",
        ge=0, le=0.9,
    )  # fmt: skip
    augmentation: Policy = option(
        "plain", "Augmentation",
        "plain: crops, mirroring, brightness. trivial: crops, mirroring and one strong change "
        "(TrivialAugment), worth a try from about 200 steps. rand: two milder changes "
        "(RandAugment).",
    )  # fmt: skip
    dropout: float = option(
        0.0, "Dropout",
        "Fraction of the features hidden from the classifier in each step, so that it relies "
        "on no single one. 0 hides none; 0.2 is a common choice against overfitting.",
        ge=0, le=0.9,
    )  # fmt: skip
    balanced: bool = option(
        False, "Give rare classes more weight (class weights)",
        "Helps when some classes have far fewer images than others.",
    )  # fmt: skip
    ema: float = option(
        0.99, "Average weights over steps (EMA)",
        "The model is the running average over its last steps; 0 keeps only the last.", ge=0, lt=1,
    )  # fmt: skip
    validation_fraction: float = option(
        0.1, "Validation fraction",
        "Fraction of the training images set aside to draw the curve. 0 trains on all images.",
        ge=0, le=0.5,
    )  # fmt: skip
    patience: int = option(
        0, "Patience (early stopping)",
        "Validates about twelve times, keeps the best state, and stops after this many times "
        "without progress. Needs a validation fraction. 0 never stops early.", ge=0, le=20,
    )  # fmt: skip
    n_averaged_runs: int = option(
        1, "Runs to average (model soup)",
        "Trains several times from the same start and averages the weights, which is often a "
        "little better. 3 takes three times as long.", ge=1, le=10,
    )  # fmt: skip


def trainable_fraction_option(*, main: bool = False) -> Any:
    """The field of a strategy in which the last layers adapt: see last_groups."""
    return option(
        0.3, "Trained fraction of the network",
        "Fraction of the layers, counted from the end. More can learn more, and forget more.",
        main=main, gt=0, lt=1,
    )  # fmt: skip


class RehearsalOptions(FineTuning):
    """Of strategies that go on with an earlier run: its images are shown again."""

    rehearse: int = option(
        20, "Old images per class to rehearse (rehearsal)",
        "0 rehearses none: then watch what is forgotten.", main=True, ge=0, le=1000,
    )  # fmt: skip


class TaskWeightOptions(FineTuning):
    """Of strategies that learn several label columns: how much each counts."""

    weights: dict[str, Annotated[float, Field(ge=0, le=100)]] = option(
        {}, "How much each question counts (task weights)",
        "1 by default. 0 leaves out a question, for comparison: it keeps its first "
        "classifier.",
        main=True,
    )  # fmt: skip
