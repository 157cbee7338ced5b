"""What every job would load again, loaded once by the server whose forks the jobs' processes are.

Nothing here starts threads of torch or OpenVINO: they would not survive a fork.
"""

from contextlib import suppress

import numpy as np  # noqa: F401
import openvino  # noqa: F401
import PIL.Image
import sklearn.linear_model  # noqa: F401

from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.fingerprint import preload
from core.process import settle
from core.settings import Settings
from core.strategies import strategies

with suppress(Exception):  # what is broken here is broken in the job, too, which can say so
    import core.analysis.embedding_map
    import core.checks._runner
    import core.pretraining_analysis.backbone_ranking
    import core.training.run  # noqa: F401
    from core.checks import checks
    from core.jobs.kinds import kinds

    PIL.Image.preinit()
    kinds()
    checks()
    strategies()
    preload(get_backbone(DEFAULT), Settings())

settle()
