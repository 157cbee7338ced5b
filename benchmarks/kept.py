"""What the benchmarks found, in benchmarks/results.json."""

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("results.json")


def results() -> dict[str, Any]:
    """By the name of the benchmark."""
    return json.loads(_FILE.read_text()) if _FILE.exists() else {}


def keep(name: str, result: Any) -> None:
    """Write down what one of them found, in place of what it found before."""
    _FILE.write_text(json.dumps(results() | {name: result}, indent=2) + "\n")
