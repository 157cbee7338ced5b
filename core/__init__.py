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
    "Recipe": "core.recipe",
    "Report": "core.evaluation.report",
    "class_rows": "core.evaluation.report",
    "in_words": "core.evaluation.metrics",
    "mixed_up": "core.evaluation.metrics",
    "MOST_IN_MATRIX": "core.evaluation.metrics",
    "MOST_PAIRS": "core.evaluation.metrics",
    "judged_by": "core.evaluation.report",
    "judged_elsewhere": "core.evaluation.report",
    "usual_judge": "core.training.evaluation_mode",
    "came_parted": "core.training.evaluation_mode",
    "Entered": "core.training.sweep",
    "entrants": "core.training.sweep",
    "keep": "core.training.sweep",
    "megabytes": "core.training.sweep",
    "why_kept": "core.training.sweep",
    "not_proven": "core.training.sweep",
    "Choice": "core.evaluation.model_selection",
    "wilson": "core.evaluation.metrics",
    "events": "core",
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
    "migrate": "core.projects.database",
    "ensure_worker": "core.server.launch",
    "issue_upload": "core.web.uploads",
    "upload_folder": "core.web.uploads",
    "received": "core.web.uploads",
    "discard": "core.web.uploads",
    "job_predictions": "core.web.predictions",
    "Pair": "core.evaluation.significance",
    "pairs": "core.evaluation.significance",
    "on_shared": "core.evaluation.significance",
    "outlook": "core.evaluation.significance",
    "DISTURBANCES": "core.analysis.robustness",
    "known_robustness": "core.analysis.robustness",
    "BACKGROUND_CAVEAT": "core.analysis.background_reliance:CAVEAT",
    "certainty": "core.evaluation.thresholds",
    "change_in_words": "core.evaluation.calibration",
    "misjudged": "core.evaluation.calibration",
    "decide": "core.evaluation.thresholds",
    "Decided": "core.evaluation.thresholds",
    "tradeoffs": "core.evaluation.thresholds",
    "cheapest": "core.evaluation.thresholds",
    "Costs": "core.evaluation.thresholds",
    "Reference": "core.evaluation.baselines",
    "references": "core.evaluation.baselines",
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
    "fixing": "core.checks:_fixes",
    "apply_edit": "core.projects.versions:apply",
    "undo": "core.projects.versions",
    "redo": "core.projects.versions",
    "history": "core.projects.versions",
    "undoable": "core.projects.versions",
    "redoable": "core.projects.versions",
    "Version": "core.projects.versions",
    "use_version": "core.projects.versions:use",
    "Problem": "core.checks",
    "Fix": "core.checks",
    "checks": "core.checks",
    "known_problems": "core.checks._runner:problems",
    "found_so_far": "core.jobs.found",
    "data_sheet": "core.export.datasheet:sheet",
    "list_folders": "core.dataset.ingest.server_folders",
    "map_methods": "core.analysis.embedding_map:methods",
    "places_by_image": "core.analysis.embedding_map",
    "proposals": "core.analysis.label_suggestions",
    "Proposals": "core.analysis.label_suggestions",
    "Guess": "core.analysis.label_suggestions",
    "label_images": "core.analysis.label_suggestions",
    "Row": "core.analysis.label_suggestions",
    "ready_backbones": "core.pretraining_analysis.backbone_ranking:candidates",
    "ranking_of": "core.pretraining_analysis.ranking_rows",
    "Ranking": "core.pretraining_analysis.ranking_rows",
    "outlook_of": "core.pretraining_analysis.summary",
    "Outlook": "core.pretraining_analysis.summary",
    "Similarity": "core.pretraining_analysis.domain_shift",
    "Curve": "core.pretraining_analysis.learning_curve",
    "oblong_images": "core.dataset.aspect_ratio",
    "special_form": "core.dataset.channel_form",
    "variation_strips": "core.web.variations",
}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    home, _, there = _HOME_OF[name].partition(":")
    module = import_module(home)
    return getattr(module, there or name, None) or import_module(f"{home}.{there or name}")


def __dir__() -> list[str]:
    return __all__
