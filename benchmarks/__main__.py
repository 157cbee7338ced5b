"""Run the benchmarks and write what they found: `make bench`, or `make bench ARGS="features"`.

`strategies`, `target_domain`, `agreement`, `every_backbone`, `workers`, `workers_apart`, `visitors`
and `budgets` take long and run only when they are named. `gpu`, with what it takes (`--help`), runs
alone and only prints what it found.
"""

import importlib
import json
import sys

from benchmarks.kept import keep

NAMES = (
    "features",
    "training",
    "threads",
    "importing",
    "scale",
    "staging",
    "job",
    "one_pass",
    "probe",
    "estimate",
    "accuracy",
    "duplicates",
    "wrong_labels",
    "other_checks",
    "labelling",
    "one_page",
    "ranking",
    "export",
    "model_server",
    "pages",
    "serving",
    "similarity",
    "unknown",
    "unknown_stages",
    "unknown_tuned",
    "watch",
    "backup",
)


def main() -> None:
    """Run those named, or all; print each result and keep it in benchmarks/results.json."""
    if sys.argv[1:2] == ["gpu"]:
        sys.exit(importlib.import_module("benchmarks.gpu").main(sys.argv[2:]))
    for name in sys.argv[1:] or NAMES:
        result = importlib.import_module(f"benchmarks.{name}").main()
        print(name, json.dumps(result, indent=2))
        keep(name, result)


if __name__ == "__main__":
    main()
