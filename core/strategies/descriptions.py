"""Say in words what each class looks like: a classifier before any image was learned from.

Zero-shot classification with a network that was trained on captions (Radford et al. 2021, arXiv
2103.00020). The images may then correct it, beginning from the words and held near them, and the
last layers adapt; what the words alone say stays the start that the result is compared with.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field

from core.errors import BadRecipe
from core.transfer import (
    FineTuning,
    GradientPhase,
    LinearProbe,
    Network,
    Phase,
    Strategy,
    ZeroShotHead,
    last_groups,
    option,
    trainable_fraction_option,
)

_USUAL = "a photo of a {}"


class Descriptions(FineTuning):
    """Choices of classifying by descriptions."""

    texts: dict[str, Annotated[str, Field(max_length=300)]] = option(
        {}, "What each class looks like (descriptions)",
        "In English, like a caption. Left empty, it is “a photo of a …” with the class name.",
        main=True,
    )  # fmt: skip
    then: Literal["nothing", "classifier", "last layers"] = option(
        "classifier", "Then train",
        "nothing: the words alone decide (zero-shot). classifier: your images refine it. last "
        "layers: the network is fine-tuned too, which takes minutes; the options about steps, "
        "learning rate and augmentation apply only to this.", main=True,
    )  # fmt: skip
    trainable_fraction: float = trainable_fraction_option()


def phases(network: Network, options: Any) -> list[Phase]:
    """The words; then a classifier held near them; then the last layers."""
    describe = partial(sentences, options.texts)
    made: list[Phase] = [ZeroShotHead("Reading the descriptions", descriptions=describe)]
    if options.then != "nothing":
        made.append(
            LinearProbe("Training the classifier, kept close to the descriptions", prior_head=True)
        )
    if options.then == "last layers":
        groups = last_groups(network, fraction=options.trainable_fraction, lr=options.lr)
        made.append(GradientPhase("Fine-tuning the last layers", options.steps, groups))
    return made


def sentences(texts: dict[str, str], classes: Sequence[str]) -> list[str]:
    """A sentence for each class, in order. Raises BadRecipe for a class that there is none of."""
    if strange := sorted(set(texts) - set(classes)):
        raise BadRecipe(
            f"There is no class “{strange[0][:80]}” to describe. There are: "
            f"{', '.join(classes[:20])}."
        )
    usual = {name: _USUAL.format(name.replace("_", " ")) for name in classes}
    return [texts.get(name, "").strip() or usual[name] for name in classes]


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """As for the last layers."""
    return {"steps": 150 if images < 300 else 300, "lr": 1e-4}


def fits(family: str) -> str:
    """Words mean something only to a network that was trained on captions."""
    if family == "image-text":
        return ""
    return "It needs a network trained on images with captions: choose SigLIP 2 base as backbone."


STRATEGY = Strategy(
    title="Describe the classes in words",
    term="zero-shot classification, text-initialised head",
    advice="Works without a single labelled image, best for everyday things. A few images of each "
    "class then refine it.",
    hurts="Words say little where classes have no common name, such as parts or cells.",
    cost="seconds",
    options=Descriptions,
    phases=phases,
    layers=("frozen", "frozen", "frozen", "learns"),
    defaults=defaults,
    fits=fits,
    beside="words",
    rank=46,
)
