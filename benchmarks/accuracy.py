"""What each strategy reaches on each sample, on images kept apart, beside its own first head.

`make bench ARGS=accuracy`; more than an hour on two cores. GRAFT_BENCH="sketches" and
GRAFT_BENCH_SEEDS="0 1 2" choose. Seed 0 is also the seed of the command line, so that each row can
be had again by
`python -m core samples NAME DIR` and
`python -m core train DIR --strategy S --seed 0 --evaluation holdout --out RUN`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.kept import results

SAMPLES = os.environ.get("GRAFT_BENCH", "emoji digits surfaces sketches").split()
STRATEGIES = ("feature_extraction", "last_stages", "full")
SEEDS = [int(seed) for seed in os.environ.get("GRAFT_BENCH_SEEDS", "0").split()]


def main() -> list[dict[str, Any]]:
    """A row for each sample, strategy and seed: right, n, interval, gain over its head."""
    again = {(sample, seed) for sample in SAMPLES for seed in SEEDS}
    earlier = results().get("accuracy", [])
    rows = [row for row in earlier if (row["sample"], row["seed"]) not in again]
    with tempfile.TemporaryDirectory() as home:
        for sample in SAMPLES:
            folder = Path(home) / sample
            _graft(home, "samples", sample, str(folder))
            for strategy in STRATEGIES:
                for seed in SEEDS:
                    rows.append(_row(home, folder, strategy, seed))
                    print(json.dumps(rows[-1]), flush=True)
    return rows


def _row(home: str, folder: Path, strategy: str, seed: int) -> dict[str, Any]:
    out = Path(home) / f"{folder.name}-{strategy}-{seed}"
    options = ["--strategy", strategy, "--seed", str(seed), "--evaluation", "holdout"]
    report = _graft(home, "train", str(folder), *options, "--out", str(out))
    row = {"sample": folder.name, "strategy": strategy, "seed": seed}
    row |= {name: report[name] for name in ("correct", "n", "interval", "seconds")}
    if start := report["start"]:
        row |= {"head_correct": start["correct"], "p": start["p"], "verdict": start["verdict"]}
    return row


def _graft(home: str, *arguments: str) -> Any:
    command = [sys.executable, "-m", "core", *arguments, "--json"]
    environment = os.environ | {"GRAFT_HOME": home}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
