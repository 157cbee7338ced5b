"""On Linux a job starts with its imports done, and its libraries still compute on all cores."""

import sys

import pytest

from .conftest import Workers
from .test_queue import ended, submitted


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks from a server: Linux only")
def test_a_job_starts_warm_and_computes(workers: Workers) -> None:
    workers.start("--warm")
    result = ended(submitted("warm")).result
    assert result == {"loaded": ["openvino", "timm", "torch"], "finite": True, "ov": 2.0}
