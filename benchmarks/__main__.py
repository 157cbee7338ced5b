"""Run the benchmarks and write what they found: `make bench`, or `make bench ARGS="features"`.

`strategies` runs for hours and only when it is named.
"""

import importlib
import json
import sys
from pathlib import Path

NAMES = (
    "features",
    "training",
    "threads",
    "importing",
    "scale",
    "staging",
    "job",
    "probe",
    "estimate",
    "accuracy",
    "duplicates",
    "wrong_labels",
    "other_checks",
    "labelling",
    "ranking",
    "similarity",
    "unknown",
)


def main() -> None:
    """Run those named, or all; print each result and keep it in benchmarks/results.json."""
    file = Path(__file__).with_name("results.json")
    results = json.loads(file.read_text()) if file.exists() else {}
    for name in sys.argv[1:] or NAMES:
        results[name] = importlib.import_module(f"benchmarks.{name}").main()
        print(name, json.dumps(results[name], indent=2))
        file.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
