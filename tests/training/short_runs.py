"""A short run of every strategy, and how the models of two runs are compared."""

import numpy as np
from safetensors.numpy import load_file

STEPS = {"steps": 6, "batch": 8}
SHORT = {
    "feature_extraction": {},
    "last_stages": {"steps": 8, "batch": 8},
    "gradual_unfreezing": {**STEPS, "rounds": 2},
    "selective": STEPS,
    "full": STEPS,
    "soft_sharing": {**STEPS, "hold": "delta"},
    "domain_alignment": {},
    "domain_adaptation": {**STEPS, "method": "dann"},
    "instance_weighting": {},
    "pseudo_labels": STEPS,
    "self_supervised": {**STEPS, "self_supervised_steps": 3},
    "lora": STEPS,
    "distillation": STEPS,
    "descriptions": {**STEPS, "then": "last layers"},
    "continual": STEPS,
    "multi_task": {**STEPS, "weights": {"ink": 0.5}},
    "from_scratch": STEPS,
}
BY_STEPS = [name for name, options in SHORT.items() if "steps" in options]


def go_on():
    return False


def weights(folder):
    return load_file(folder / "model" / "model.safetensors")


def assert_same_weights(one, other):
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
