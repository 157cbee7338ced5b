"""What a score on the source domain says about the target domain, of which nothing is labelled.
`make bench ARGS=target_domain`.

Outlined emoji or printed digits are labelled, the coloured or handwritten ones are not; their true
classes, which no run knows, tell how good the model is there.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.strategies import Bench
from core.dataset.manifest import Dataset
from core.model import Model

_DOMAINS = (("emoji", "outlined emoji"), ("digits", "printed digits"))
_METHODS = ("mcc", "mmd")
_AT_ONCE = 64


def main() -> list[dict[str, Any]]:
    """For each pair and method: what the report says, and what is true of the unlabelled images."""
    rows = []
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place))
        for own, source in _DOMAINS:
            both = bench.dataset(source, "source", bench.dataset(own))
            dataset = nothing_labelled(both)
            bench.store.save(dataset)
            for method in _METHODS:
                run = bench.run(dataset, "domain_adaptation", 0, options={"method": method})
                model = Model.load(Path(run["folder"]) / "model")
                told = {name: run[name] for name in ("right", "n", "start_right")}
                true = {"truly_right": right(bench, model, both), "unlabelled": len(both.labelled)}
                rows.append({"target domain": own, "method": method, **told, **true})
    return rows


def nothing_labelled(both: Dataset) -> Dataset:
    """The source domain labelled, the target domain without its classes."""
    items = (
        replace(item, role="labelled")
        if item.role == "source"
        else replace(item, role="unlabelled", label=None)
        for item in both.items
    )
    return replace(both, items=tuple(items))


def right(bench: Bench, model: Model, both: Dataset) -> int:
    """How many of one's own images the model knows."""
    own, found = both.labelled, 0
    for start in range(0, len(own), _AT_ONCE):
        some = own[start : start + _AT_ONCE]
        answers = model.predict([bench.store.open(item.image) for item in some]).argmax(1)
        found += sum(model.classes[a] == i.label for a, i in zip(answers, some, strict=True))
    return found
