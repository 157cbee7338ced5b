"""Whether what tells unknown images for a frozen network also does for one that was fine-tuned.

`make bench ARGS=unknown_tuned`; twenty minutes on one core. The last layers are
fine-tuned on a sample without one of its classes, at 96 px; then images of that class are brought.
Threshold and known images are those of the run's test part. GRAFT_BENCH="digits" and
GRAFT_BENCH_CLASSES=2 choose.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.metrics import roc_auc_score

from benchmarks.accuracy import _graft
from core.backbones.late_stages import widths
from core.dataset.store import Store
from core.evaluation.ood import Blocks, distances, doubt, ood_score, ood_threshold, prepared
from core.evaluation.report import Report
from core.model import Model, ModelOutput, concatenated, model_folder

SAMPLES = os.environ.get("GRAFT_BENCH", "emoji digits").split()
LEFT_OUT = int(os.environ.get("GRAFT_BENCH_CLASSES", "3"))
_BATCH = 64


def main() -> list[dict[str, Any]]:
    """A row for each sample and way to compare: means over the classes that were left out."""
    rows = []
    for sample in SAMPLES:
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home) / sample
            _graft(home, "samples", sample, str(folder))
            classes = sorted(each for each in folder.iterdir() if each.is_dir())[:LEFT_OUT]
            found = [_turn(Path(home), folder, each) for each in classes]
        for way in found[0]:
            area, noticed, accused = np.mean([each[way] for each in found], axis=0)
            rows.append({
                "sample": sample, "compared": way, "classes_left_out": len(found),
                "auroc": round(float(area), 3),
                "unknown_called_unknown": round(float(noticed), 3),
                "known_called_unknown": round(float(accused), 3),
            })  # fmt: skip
            print(json.dumps(rows[-1]), flush=True)
    return rows


def _turn(home: Path, folder: Path, left: Path) -> dict[str, tuple[float, float, float]]:
    """AUROC, share of unknown and of known images called unknown, for each way."""
    aside, out = home / "aside", home / f"without-{left.name}"
    shutil.move(left, aside)
    try:
        _graft(
            str(home), "train", str(folder), "--strategy", "last_stages", "--size", "96",
            "--evaluation", "holdout", "--out", str(out),
        )  # fmt: skip
        model, store = Model.load(model_folder(out)), Store(home)
        report = Report.load(out)
        tested = [row.image for row in report.predictions]
        learned = [
            item.image for item in store.load(report.dataset).items if item.image not in {*tested}
        ]
        strange = [Image.open(file).convert("RGB") for file in sorted(aside.iterdir())]
        bank, known, unknown = (
            _seen(model, images)
            for images in (
                [store.open(i) for i in learned],
                [store.open(i) for i in tested],
                strange,
            )
        )
    finally:
        shutil.move(aside, left)
    found = {}
    for way, score in {"with late stages (in use)": _late, "by the last features": _last}.items():
        own, new = (score(model, bank, each) for each in (known, unknown))
        truth = np.r_[np.zeros(len(own)), np.ones(len(new))]
        area = float(roc_auc_score(truth, np.r_[own, new]))
        half = np.random.default_rng(0).permutation(len(own)) % 2 == 0
        shares = []
        for part in (half, ~half):  # the threshold is another half's
            limit = ood_threshold(own[part])
            assert limit is not None
            shares.append([(new > limit).mean(), (own[~part] > limit).mean()])
        noticed, accused = np.mean(shares, axis=0)
        found[way] = area, float(noticed), float(accused)
    return found


def _seen(model: Model, images: list[Image.Image]) -> ModelOutput:
    pixels = np.stack([model.preprocessing.pixels(image) for image in images])
    parts = range(0, len(pixels), _BATCH)
    return concatenated([model.forward(pixels[start : start + _BATCH]) for start in parts])


def _late(model: Model, bank: ModelOutput, seen: ModelOutput) -> np.ndarray:
    blocks = Blocks.of(bank.wide, widths(model.network))
    far = distances(seen.wide, prepared(bank.wide, blocks), blocks)
    return ood_score(far, doubt([seen.probabilities]))


def _last(model: Model, bank: ModelOutput, seen: ModelOutput) -> np.ndarray:
    far = distances(seen.features, prepared(bank.features))
    return ood_score(far, 2 - seen.probabilities.max(1))


if __name__ == "__main__":
    main()
