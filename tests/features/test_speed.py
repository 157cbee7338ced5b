"""How fast features were made is kept beside them, for whoever compares networks."""

import numpy as np

from core.features.extraction import FeatureCache
from core.features.feature_rows import drop_rows

IMAGES = [f"{row:064x}" for row in range(3)]


def test_the_speed_is_kept_and_outlasts_an_image_that_is_deleted(tmp_path):
    cache = FeatureCache(tmp_path / "features")
    assert cache.speeds("cpu") == []
    cache.add(IMAGES[:1], np.ones((1, 4), np.float32))
    assert cache.speeds("cpu") == []
    cache.add(IMAGES[1:], np.ones((2, 4), np.float32), speed=123.4)
    assert cache.speeds("cpu") == [123.4]
    assert cache.speeds("cuda") == []
    drop_rows(cache.folder.iterdir(), [IMAGES[1]])
    assert cache.load().keys() == {IMAGES[0], IMAGES[2]}
    assert cache.speeds("cpu") == [123.4]


def test_a_file_that_tells_nonsense_tells_no_speed(tmp_path):
    cache = FeatureCache(tmp_path)
    for speed in (float("nan"), float("inf"), -1.0):
        cache.add(IMAGES, np.ones((3, 4), np.float32), speed=speed)
    (tmp_path / "damaged.safetensors").write_bytes(b"\xff" * 40)
    assert cache.speeds("cpu") == []
