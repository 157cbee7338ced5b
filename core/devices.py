"""Where networks run, the GPU or the processor, and how a GPU computes there."""

import os

from core.errors import BadRecipe
from core.settings import Settings


def device_of(settings: Settings) -> str:
    """Where training runs. Raises BadRecipe when a GPU is asked for that is not there."""
    import torch  # imported here: whoever only reads settings need not load it

    wanted = settings.device
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    elif wanted.startswith("cuda") and not torch.cuda.is_available():
        raise BadRecipe(
            f"GRAFT_DEVICE is “{settings.device}”, but this machine has no usable GPU. "
            "Set it to auto or cpu."
        )
    if wanted.startswith("cuda"):
        _settle_arithmetic()
    return wanted


def _settle_arithmetic() -> None:
    """Matrices through the GPU's tensor cores (TF32) where they are float32, as convolutions are
    anyway; and of two ways to compute the same, one that gives the same bits every time."""
    import torch

    torch.set_float32_matmul_precision("high")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    # What has no such way goes on with a warning: a run that cannot be repeated to the last bit is
    # better than none.
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
