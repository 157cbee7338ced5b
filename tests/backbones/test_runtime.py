"""The fast runtime of frozen networks, with the real bundled weights."""

import numpy as np

from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.preprocessing import Preprocessing
from core.backbones.weights import load_network
from core.features.extraction import warm
from core.settings import Settings


def test_a_network_computes_the_very_same_before_and_after_it_was_kept(tmp_path):
    """Else a run that is gone on with would not end with the very same weights."""
    settings = Settings(home=tmp_path)
    network = load_network(get_backbone(DEFAULT), 3, settings)
    preprocessing = Preprocessing(64, "squash", (0.5,) * 3, (0.5,) * 3)
    pictures = np.random.default_rng(0).integers(0, 256, (40, 3, 64, 64), dtype=np.uint8)
    first = warm(network, preprocessing, settings)(pictures)
    again = warm(network, preprocessing, settings)(pictures)
    np.testing.assert_array_equal(first, again)
