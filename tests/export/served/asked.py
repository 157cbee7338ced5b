"""What the tests of an exported server share: its name, and what it is compared with."""

from typing import Any

import numpy as np
import pytest
from made_models import photographs

from core.backbones.preprocessing import Preprocessing

NAME = "my-pets-b"
CUSTOM = f"/customvision/v3.0/Prediction/p1/classify/iterations/{NAME}/image"


def assert_same(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    assert theirs["probabilities"] == pytest.approx(ours["probabilities"], abs=1e-3)
    for name in ("label", "prediction_set", "ood"):
        assert theirs[name] == ours[name]


def squares_of(preprocessing: Preprocessing) -> np.ndarray:
    return np.stack([np.asarray(preprocessing.square(photo)) for photo in photographs()])
