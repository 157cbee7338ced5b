"""What every job would load again, loaded once by the server whose forks the jobs' processes are.

No tensor is computed here: the threads that this may start would not survive a fork.
"""

from contextlib import suppress

import numpy as np  # noqa: F401
import openvino  # noqa: F401
import PIL.Image  # noqa: F401
import sklearn.linear_model  # noqa: F401

from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.weights import preload
from core.process import settle
from core.strategies import strategies

with suppress(Exception):  # what is broken here is broken in the job, too, which can say so
    strategies()
    preload(get_backbone(DEFAULT))

settle()
