"""Two training jobs at once: their speed together when waiting threads spin, or sleep.

Each prints images a second of EfficientNet-Lite0 at 224 px, batch 16. `make bench ARGS=threads`.
"""

import os
import subprocess
import sys

_JOB = """
import time, timm, torch
network = timm.create_model("tf_efficientnet_lite0", num_classes=6).eval()
network = network.to(memory_format=torch.channels_last)
images = torch.randn(16, 3, 224, 224).contiguous(memory_format=torch.channels_last)
labels = torch.randint(0, 6, (16,))
def step():
    torch.nn.functional.cross_entropy(network(images), labels).backward()
step()
began, steps = time.monotonic(), 0
while time.monotonic() - began < 10:
    step()
    steps += 1
print(16 * steps / (time.monotonic() - began))
"""


def main() -> dict[str, float]:
    """Images a second of two jobs together, spinning and sleeping, and the ratio."""
    together = {}
    for policy in ("ACTIVE", "PASSIVE"):
        environment = os.environ | {"OMP_WAIT_POLICY": policy}
        jobs = [
            subprocess.Popen([sys.executable, "-c", _JOB], env=environment, stdout=subprocess.PIPE)
            for _ in range(2)
        ]
        together[policy.lower()] = sum(float(job.communicate()[0]) for job in jobs)
    return {**together, "ratio": together["passive"] / together["active"]}
