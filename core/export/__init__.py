"""Taking a model away: one ZIP that predicts without this program, tried out before it is given.

model.safetensors   the weights            MODEL_CARD.md      what it is good for
model.json          everything else        requirements.txt   what predict.py needs
predict.py          a short script         examples/          two pictures to try it on
known.safetensors   what new pictures are compared with, to tell unknown ones (maybe)
"""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.dataset.channels import RGB, Form
from core.dataset.export import as_file
from core.dataset.store import Store
from core.errors import NotFound
from core.evaluation.ood import FILE as KNOWN
from core.evaluation.report import Report
from core.events import Event, Finished, Progress
from core.export.bundle import FOR_CHANNELS, REQUIREMENTS, write_zip
from core.export.model_card import Rehearsed, model_card
from core.export.rehearsal import greatest_difference, rehearse
from core.export.run_facts import Facts, facts_of
from core.model import DESCRIPTION, WEIGHTS, model_folder, predict_files
from core.settings import Settings

_PICTURES = 8
_EXAMPLES = 2
_SCRIPT = Path(__file__).with_name("predict.py")


def export(run: Path, file: Path, settings: Settings) -> Iterator[Event]:
    """Pack the model of a run into a ZIP; its predict.py must agree with the app first.

    Ends with Finished(result={"file", "greatest_difference", "images"}): the greatest difference
    between the probabilities of the two, and on how many test pictures. Raises NotFound without a
    finished run or its pictures, GraftError when the packed model does not work by itself.
    """
    began = time.monotonic()
    store = Store(settings.home)
    facts = facts_of(run, store)
    yield Progress("Packing the model", 0, 2)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".export.") as space:
        bundle = Path(space) / "bundle"
        _gather(run, bundle, facts, settings.stored_side)
        pictures = _pictures(bundle, facts.report, store, facts.form)
        yield Progress("Trying the packed model out", 1, 2)
        ours = _predictions(run, pictures, settings)
        difference = greatest_difference(ours, rehearse(bundle, pictures))
        rehearsed = Rehearsed(difference, len(pictures), min(len(pictures), _EXAMPLES))
        (bundle / "MODEL_CARD.md").write_text(model_card(facts, rehearsed), encoding="utf-8")
        write_zip(bundle, file)
    yield Progress("Trying the packed model out", 2, 2)
    result = {"file": str(file), "greatest_difference": difference, "images": len(pictures)}
    yield Finished(time.monotonic() - began, result)


def _gather(run: Path, bundle: Path, facts: Facts, longest_side: int) -> None:
    """Put everything but the pictures and the card into the bundle."""
    report = facts.report
    (bundle / "examples").mkdir(parents=True)
    model = model_folder(run)
    try:
        shutil.copyfile(model / WEIGHTS, bundle / WEIGHTS)
        if (model / KNOWN).exists():
            shutil.copyfile(model / KNOWN, bundle / KNOWN)
    except FileNotFoundError as error:
        raise NotFound("This run has no model yet: its training has not ended.") from error
    scores = {name: getattr(report, name) for name in ("n", "correct", "accuracy", "interval")}
    whole = replace(
        facts.description,
        longest_side=longest_side,
        dataset=report.dataset,
        recipe=facts.recipe.model_dump(mode="json"),
        scores=scores,
    )
    (bundle / DESCRIPTION).write_text(whole.to_json(), encoding="utf-8")
    needed = REQUIREMENTS if facts.form == RGB else REQUIREMENTS + FOR_CHANNELS
    (bundle / "requirements.txt").write_text(needed, encoding="utf-8")
    shutil.copyfile(_SCRIPT, bundle / _SCRIPT.name)


def _pictures(bundle: Path, report: Report, store: Store, form: Form) -> list[Path]:
    """Test pictures under names of our own: the first in examples/, the others beside the bundle.

    One of each class before a second of any, so that a few show as much as they can.
    """
    seen: dict[str, int] = {}
    turns = []
    for place, row in enumerate(report.own):
        seen[row["true"]] = seen.get(row["true"], 0) + 1
        turns.append((seen[row["true"]], place, row["image"]))
    try:
        chosen = [store.path(image) for _, _, image in sorted(turns)[:_PICTURES]]
    except NotFound as error:
        raise NotFound(
            "The pictures that this model was tested on are not in this home folder, so the "
            "exported model cannot be tried out. Export it where it was trained."
        ) from error
    copies = []
    for number, path in enumerate(chosen, 1):
        folder = bundle / "examples" if number <= _EXAMPLES else bundle.parent
        if form != RGB:
            suffix, content = as_file(store, path.stem)
            copies.append(folder / f"{number}{suffix}")
            copies[-1].write_bytes(content)
            continue
        if path.suffix == ".npy":  # kept with all its channels: as this network sees it
            copies.append(folder / f"{number}.png")
            store.open(path.stem).save(copies[-1])
            continue
        copies.append(folder / f"{number}{path.suffix}")
        shutil.copyfile(path, copies[-1])
    return copies


def _predictions(run: Path, pictures: Sequence[Path], settings: Settings) -> list[dict[str, Any]]:
    *_, last = predict_files(run, pictures, settings)
    if not isinstance(last, Finished):
        raise TypeError(f"predict_files ended with {last!r}")
    rows: list[dict[str, Any]] = last.result["predictions"]
    return rows
