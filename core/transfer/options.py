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
        "Each step looks at one batch of images. More steps fit closer, and take longer.",
        main=True, ge=1, le=20_000,
    )  # fmt: skip
    mirror: Mirror = option(
        "auto", "Mirror images?",
        "Mirrored copies help when left and right do not matter. “auto” tries it on your images.",
        main=True,
    )  # fmt: skip
    lr: float = option(
        3e-4, "Learning rate",
        "Smaller keeps more of what the network knows.", gt=0, le=1,
    )  # fmt: skip
    batch: int = option(32, "Batch size", "Larger is steadier and slower.", ge=2, le=1024)
    weight_decay: float = option(
        0.02, "Weight decay",
        "Keeps weights small, against learning by heart.", ge=0, le=1,
    )  # fmt: skip
    label_smoothing: float = option(
        0.05, "Label smoothing",
        "A little doubt keeps the model from being too sure.", ge=0, le=0.5,
    )  # fmt: skip
    smallest_crop: float = option(
        0.5, "Smallest crop",
        "Random pieces of each image are shown; 1 shows it whole.", gt=0.05, le=1,
    )  # fmt: skip
    colour: float = option(
        0.2, "Colour jitter",
        "How far brightness and contrast are varied, where images are varied plainly.",
        ge=0, le=0.9,
    )  # fmt: skip
    augmentation: Policy = option(
        "plain", "Augmentation",
        "plain: pieces, mirroring, light. trivial: pieces, mirroring and one strong change, which "
        "may turn an image far (TrivialAugment); worth a try from about 200 steps on. rand: two "
        "milder changes (RandAugment).",
    )  # fmt: skip
    dropout: float = option(
        0.0, "Dropout",
        "This share of what the classifier reads is hidden in each step, so that it leans on "
        "nothing alone. 0 hides nothing; 0.2 is a usual try against learning by heart.",
        ge=0, le=0.9,
    )  # fmt: skip
    balanced: bool = option(
        False, "Give rare classes more weight (class weights)",
        "Helps when some classes have far fewer images than others.",
    )  # fmt: skip
    ema: float = option(
        0.99, "Average weights over steps (EMA)",
        "The model is the running average of its last steps; 0 keeps the last alone.", ge=0, lt=1,
    )  # fmt: skip
    validation_fraction: float = option(
        0.1, "Validation fraction",
        "Kept out of learning to draw the curve. 0 learns from all images.",
        ge=0, le=0.5,
    )  # fmt: skip
    patience: int = option(
        0, "Patience (early stopping)",
        "About twelve looks are taken at the images to watch with, so there must be some; the "
        "state that did best on them is kept. 0 always goes on to the end.", ge=0, le=20,
    )  # fmt: skip
    n_averaged_runs: int = option(
        1, "Runs to average (model soup)",
        "Each time from the same start with other random choices; the mean of the weights is often "
        "a little better than one of them. 3 takes three times as long.", ge=1, le=10,
    )  # fmt: skip


def trainable_fraction_option(*, main: bool = False) -> Any:
    """The field of a strategy in which the last layers adapt: see last_groups."""
    return option(
        0.3, "Trained fraction of the network",
        "Share of the layers, counted from the end. More can learn more, and forget more.",
        main=main, gt=0, lt=1,
    )  # fmt: skip


class RehearsalOptions(FineTuning):
    """Of strategies that go on with an earlier run: its images are shown again."""

    rehearse: int = option(
        20, "Old images per class to rehearse (rehearsal)",
        "0 shows none: watch what is forgotten then.", main=True, ge=0, le=1000,
    )  # fmt: skip


class TaskWeightOptions(FineTuning):
    """Of strategies that learn several label columns: how much each counts."""

    weights: dict[str, Annotated[float, Field(ge=0, le=100)]] = option(
        {}, "How much each question counts (task weights)",
        "1 unless you say otherwise. 0 leaves a question to its first classifier: so a model is "
        "trained on the others alone, to compare with.",
        main=True,
    )  # fmt: skip
