"""How large steps are, in which precision, and how long the rest of them will take."""

import math
import time

import torch

_WARM_UP = 0.1


def schedule(progress: float) -> float:
    """The learning rate as a share of its peak: a linear warm-up, then half a cosine to 0."""
    if progress < _WARM_UP:
        return (progress + 0.01) / (_WARM_UP + 0.01)
    return 0.5 * (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP)))


def precision(device: str) -> torch.autocast:
    """bfloat16 arithmetic where the hardware has it, float32 elsewhere; weights stay float32."""
    kind = "cuda" if device.startswith("cuda") else "cpu"
    if kind == "cuda":
        # Older hardware only emulates it, more slowly than float32.
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = bool(torch.cpu._is_avx512_bf16_supported())
    return torch.autocast(kind, torch.bfloat16, enabled=able)


class Pace:
    """Seconds that are left, from how long the latest steps took."""

    def __init__(self) -> None:
        self.last = time.monotonic()
        self.each: float | None = None

    def seconds(self, steps: int) -> float:
        """Of so many steps. Call it once after each step."""
        now = time.monotonic()
        took, self.last = now - self.last, now
        self.each = took if self.each is None else 0.9 * self.each + 0.1 * took
        return round(self.each * steps, 1)
