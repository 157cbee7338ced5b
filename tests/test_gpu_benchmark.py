"""`python -m benchmarks gpu` on a processor, where nothing but what it asks for can be imported."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WITHOUT = """
import runpy, sys
for name in ("streamlit", "openvino", "playwright"):
    sys.modules[name] = None
sys.argv = ["benchmarks", "gpu", *sys.argv[1:]]
runpy.run_module("benchmarks", run_name="__main__")
"""


def test_it_runs_everything_with_nothing_but_what_it_asks_for():
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT, "--device", "cpu", "--seconds", "800",
         "--strategies", "continual"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.stdout, run.stderr
    found = json.loads(run.stdout)
    assert run.returncode == 0, run.stdout
    parts = {name: part["found"] for name, part in found["parts"].items()}
    assert parts["agreement"]["same_label"] == 1
    assert "4 at a time" in parts["memory"]["by hand"]["said"][0]
    assert parts["resume"]["same_to_the_last_bit"]
    assert parts["strategies"].keys() == {"continual"}
    assert all(row["ratio"] > 0 for row in parts["speed"].values())
    assert parts["precision"]["bf16"]["n"] == parts["precision"]["fp32"]["n"]


def test_one_part_that_fails_is_named_and_the_others_go_on(monkeypatch, capsys):
    from benchmarks import gpu

    def fails(_bench):
        raise ValueError("it does not work")

    monkeypatch.setattr(gpu, "PARTS", {"first": fails, "second": lambda _: {"worked": True}})
    assert gpu.main(["--device", "cpu"]) == 1
    parts = json.loads(capsys.readouterr().out)["parts"]
    assert parts["first"]["found"] == {"error": "ValueError: it does not work"}
    assert parts["second"]["found"] == {"worked": True}


def test_nothing_is_begun_once_its_seconds_are_over(capsys):
    from benchmarks import gpu

    assert gpu.main(["--device", "cpu", "--seconds", "0"]) == 0
    parts = json.loads(capsys.readouterr().out)["parts"].values()
    assert [part["found"] for part in parts] == [{"skipped": "no time left"}] * len(gpu.PARTS)
