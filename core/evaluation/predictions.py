"""What a model answered about each test image: what runs are scored and compared by."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer about one test image."""

    image: str
    """Hash in the store."""
    name: str
    """The path as it was brought: text from outside."""
    true: str
    label: str
    """The predicted class."""
    probabilities: tuple[float, ...]
    """In class order."""
    fold: int = 0
    """Which model of a cross-validation answered; 0 is the one that is kept."""

    @property
    def correct(self) -> bool:
        """Whether the predicted class is the true one."""
        return self.label == self.true

    @property
    def confidence(self) -> float:
        """The greatest probability."""
        return max(self.probabilities)


Predictions = Sequence[Prediction]
