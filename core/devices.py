"""Where networks run: the GPU or the processor."""

from core.errors import BadRecipe
from core.settings import Settings


def device_of(settings: Settings) -> str:
    """Where training runs. Raises BadRecipe when a GPU is asked for that is not there."""
    import torch  # imported here: whoever only reads settings need not load it

    if settings.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if settings.device.startswith("cuda") and not torch.cuda.is_available():
        raise BadRecipe(
            f"GRAFT_DEVICE is “{settings.device}”, but this machine has no usable GPU. "
            "Set it to auto or cpu."
        )
    return settings.device
