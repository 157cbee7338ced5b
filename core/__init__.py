"""Everything but the screen: images, transfer learning, evaluation, jobs."""

import os

from core import telemetry  # noqa: F401  # first of all: it silences what is loaded later

# Before torch is loaded: its threads sleep rather than spin while they wait. Two jobs on two cores
# each ran at an eighth of their speed while spinning, at half with this (benchmarks/threads.py).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
