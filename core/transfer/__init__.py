"""What strategies are made of: the contract that every file in core.strategies keeps."""

from core.transfer.options import (
    FineTuning,
    Options,
    RehearsalOptions,
    TaskWeightOptions,
    option,
    trainable_fraction_option,
)
from core.transfer.parameter_groups import head_groups, last_groups
from core.transfer.phases import (
    AuxiliaryData,
    Batch,
    Forward,
    GradientPhase,
    Group,
    Network,
    Objective,
    Phase,
    PhaseResult,
)
from core.transfer.probes import Aligned, AlignedProbe, LinearProbe, WeightedProbe
from core.transfer.strategy import Situation, Strategy
from core.transfer.zero_shot_head import ZeroShotHead

__all__ = [
    "Aligned",
    "AlignedProbe",
    "AuxiliaryData",
    "Batch",
    "FineTuning",
    "Forward",
    "GradientPhase",
    "Group",
    "LinearProbe",
    "Network",
    "Objective",
    "Options",
    "Phase",
    "PhaseResult",
    "RehearsalOptions",
    "Situation",
    "Strategy",
    "TaskWeightOptions",
    "WeightedProbe",
    "ZeroShotHead",
    "head_groups",
    "last_groups",
    "option",
    "trainable_fraction_option",
]
