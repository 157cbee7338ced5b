"""Graft's training package: everything but the screen. What pages may use is in `__all__`.

Names are imported on first use (PEP 562), so that the web process never loads what only the
worker needs.
"""

import os
from importlib import import_module
from typing import Any

from core import telemetry  # noqa: F401  # first of all: it silences what is loaded later

# Before torch is loaded: its threads sleep rather than spin while they wait. Two jobs on two cores
# each ran at an eighth of their speed while spinning, at half with this (benchmarks/threads.py).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_HOME_OF = {
    "GraftError": "core.errors",
    "BadRecipe": "core.errors",
    "NotFound": "core.errors",
    "translate": "core.faults",
    "Settings": "core.settings",
    "get_settings": "core.settings",
    "Recipe": "core.training.recipe",
    "Report": "core.evaluation.report",
    "class_rows": "core.evaluation.report",
    "in_words": "core.evaluation.scores",
    "mixed_up": "core.evaluation.scores",
    "MOST_IN_MATRIX": "core.evaluation.scores",
    "MOST_PAIRS": "core.evaluation.scores",
    "judged_by": "core.evaluation.report",
    "judged_elsewhere": "core.evaluation.report",
    "usual_judge": "core.training.judging",
    "came_parted": "core.training.judging",
    "Entered": "core.tournament",
    "entrants": "core.tournament",
    "keep": "core.tournament",
    "megabytes": "core.tournament",
    "why_kept": "core.tournament",
    "not_proven": "core.tournament",
    "Choice": "core.evaluation.choosing",
    "wilson": "core.evaluation.scores",
    "events": "core.training",
    "create_project": "core.projects",
    "list_projects": "core.projects",
    "get_project": "core.projects",
    "rename_project": "core.projects",
    "delete_project": "core.jobs.removal",
    "restore_project": "core.projects",
    "purge_project": "core.jobs.removal",
    "datasets": "core.projects",
    "create_run": "core.projects",
    "runs": "core.projects",
    "get_run": "core.projects",
    "delete_run": "core.jobs.removal",
    "restore_run": "core.projects",
    "rename_run": "core.projects",
    "Project": "core.projects",
    "RunRow": "core.projects",
    "submit": "core.jobs.queue",
    "stop": "core.jobs.queue",
    "resume": "core.jobs.queue",
    "status": "core.jobs.queue",
    "new_job": "core.jobs.queue",
    "job_folder": "core.jobs.queue",
    "JobStatus": "core.jobs.status",
    "recent_jobs": "core.jobs.recent",
    "BadInput": "core.errors",
    "UnusableDataset": "core.errors",
    "Dataset": "core.dataset.manifest",
    "Item": "core.dataset.manifest",
    "Store": "core.dataset.store",
    "SAMPLES": "core.dataset.samples",
    "Sample": "core.dataset.samples",
    "CATALOGUE": "core.backbones.catalogue",
    "Backbone": "core.backbones.catalogue",
    "availability": "core.backbones.catalogue",
    "get_backbone": "core.backbones.catalogue",
    "migrate": "core.database",
    "ensure_worker": "core.launch",
    "issue_upload": "core.web.uploads",
    "upload_folder": "core.web.uploads",
    "received": "core.web.uploads",
    "discard": "core.web.uploads",
    "job_predictions": "core.web.predictions",
    "Pair": "core.evaluation.comparing",
    "pairs": "core.evaluation.comparing",
    "on_shared": "core.evaluation.comparing",
    "outlook": "core.evaluation.comparing",
    "DISTURBANCES": "core.robustness",
    "known_robustness": "core.robustness",
    "BACKGROUND_CAVEAT": "core.background:CAVEAT",
    "certainty": "core.evaluation.deciding",
    "change_in_words": "core.evaluation.calibration",
    "misjudged": "core.evaluation.calibration",
    "decide": "core.evaluation.deciding",
    "Decided": "core.evaluation.deciding",
    "tradeoffs": "core.evaluation.deciding",
    "cheapest": "core.evaluation.deciding",
    "Costs": "core.evaluation.deciding",
    "Reference": "core.evaluation.transfer",
    "references": "core.evaluation.transfer",
    "all_strategies": "core.strategies:strategies",
    "describe_strategy": "core.strategies:describe",
    "lacking": "core.strategies",
    "looks_at": "core.strategies",
    "recommended": "core.strategies",
    "Situation": "core.strategies",
    "Strategy": "core.strategies",
    "OptionInfo": "core.strategies",
    "DEFAULT_BACKBONE": "core.backbones.catalogue:DEFAULT",
    "run_folder": "core.projects",
    "edits": "core.dataset",
    "fixing": "core.dataset",
    "apply_edit": "core.versions:apply",
    "undo": "core.versions",
    "redo": "core.versions",
    "history": "core.versions",
    "undoable": "core.versions",
    "redoable": "core.versions",
    "Version": "core.versions",
    "use_version": "core.versions:use",
    "Problem": "core.dataset.checks",
    "Fix": "core.dataset.checks",
    "checks": "core.dataset.checks",
    "known_problems": "core.checking:problems",
    "found_so_far": "core.jobs.found",
    "data_sheet": "core.dataset.sheet:sheet",
    "list_folders": "core.dataset.server_folders",
    "map_methods": "core.mapping:methods",
    "places_by_image": "core.mapping",
    "proposals": "core.labelling",
    "Proposals": "core.labelling",
    "Guess": "core.labelling",
    "label_images": "core.labelling",
    "Row": "core.labelling",
    "ready_backbones": "core.foresight.ranking:candidates",
    "ranking_of": "core.foresight.rows",
    "Ranking": "core.foresight.rows",
    "outlook_of": "core.foresight.outlook",
    "Outlook": "core.foresight.outlook",
    "Similarity": "core.foresight.similarity",
    "Curve": "core.foresight.curve",
    "oblong_images": "core.dataset.shapes",
    "special_form": "core.dataset.forms",
    "variation_strips": "core.web.variations",
}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    home, _, there = _HOME_OF[name].partition(":")
    module = import_module(home)
    return getattr(module, there or name, None) or import_module(f"{home}.{name}")


def __dir__() -> list[str]:
    return __all__
