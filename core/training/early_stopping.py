"""Stopping early: which weights did best on the validation images, and when to stop.

Prechelt 1998, Early Stopping - But When? (Neural Networks: Tricks of the Trade, LNCS 1524).
"""

import math

import torch
from torch import Tensor


class EarlyStopping:
    """The best of the states validated so far, and for how many looks it has been the best."""

    def __init__(self, patience: int) -> None:
        """`patience`: after how many looks without a smaller loss it is over."""
        self.patience = patience
        self.loss, self.step, self.waited = math.inf, 0, 0
        self.best: list[Tensor] = []

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return self.waited >= self.patience

    def see(self, step: int, loss: float, weights: list[Tensor]) -> None:
        """Take in one look: at which step, the loss, and the weights that were looked at."""
        if loss < self.loss:
            self.loss, self.step, self.waited = loss, step, 0
            self.best = [tensor.clone() for tensor in weights]
        else:
            self.waited += 1

    def state(self) -> dict[str, Tensor]:
        """Everything it remembers."""
        known = torch.tensor([self.loss, self.step, self.waited], dtype=torch.float64)
        return {"known": known, **{str(n): tensor for n, tensor in enumerate(self.best)}}

    def load(self, state: dict[str, Tensor], device: str) -> None:
        """Go on from what `state` returned."""
        loss, step, waited = state["known"].tolist()
        self.loss, self.step, self.waited = loss, int(step), int(waited)
        self.best = [state[str(n)].to(device).clone() for n in range(len(state) - 1)]

    def sentence(self, at: int, of: int, before: int, n: int) -> str:
        """What the person should know when the steps are over, at step `at` of `of` in all; empty
        when the last state was the best. `before` steps had been done when this began; `n` images
        validate."""
        kept = f"The best state, at step {before + self.step}, is kept"
        if not self.step:
            kept = "Training brought no improvement, so the initial state is kept"
        if self.over:
            return (
                f"Stopped early, after step {at} of {of}: no improvement on {n} validation images "
                f"in {self.patience} checks in a row. {kept} (early stopping)."
            )
        return f"{kept} (early stopping)." if self.waited else ""
