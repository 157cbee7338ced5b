"""The model card: what a model is for, how good it is, and what to mind, in plain words.

After Mitchell et al., "Model Cards for Model Reporting" (FAT* 2019). Class names, titles and
sources are text from outside: they are escaped, so that they stay text wherever it is rendered.
"""

import json
import shlex

from core.dataset.channels import RGB
from core.evaluation.calibration_result import CalibrationResult
from core.evaluation.metrics import in_words
from core.evaluation.report import Report, evaluated_by, target_domain_caveat
from core.export.markdown import escaped
from core.export.run_facts import RunFacts

NOT_MEANT_FOR = "decisions about people's health, safety or rights"


def model_card(facts: RunFacts, use: str) -> str:
    """The whole card, as Markdown; `use` says how to use the form that it comes in."""
    sections = [section(facts) for section in (_purpose, _scores, _origins, limits)]
    return "\n\n".join([*sections, f"## How to use it\n\n{use}", again(facts)]) + "\n"


def _purpose(facts: RunFacts) -> str:
    classes = [name for report in facts.report.tasks.values() for name in report.classes]
    names = ", ".join(escaped(name) for name in classes[:30])
    more = f", and {len(classes) - 30} more" if len(classes) > 30 else ""
    return f"""# {escaped(facts.dataset.title) or "Images"}: an image classifier

It recognises {len(classes)} classes: {names}{more}.

## What it is for

Sorting images like its training images, with a person who checks when it matters. It is not meant
for {NOT_MEANT_FOR}."""


def _scores(facts: RunFacts) -> str:
    scores = "\n\n".join(map(_scores_of, facts.report.tasks.values()))
    return f"## How good it is\n\n{scores}"


def _scores_of(report: Report) -> str:
    base = round(100 * report.majority.accuracy)
    rows = "\n".join(
        f"| {escaped(row.label)} | {row.n} | {row.recall:.0%} "
        f"| {in_words(row.recall_interval)} | {row.precision:.0%} "
        f"| {in_words(row.precision_interval)} |"
        for row in report.per_class
    )
    start = f"\n\nCompared with the start: {report.start.verdict}" if report.start else ""
    early = "\n\nTraining was stopped early." if report.stopped else ""
    if caveat := target_domain_caveat(report.target_domain):
        early += f"\n\n**{caveat}**"
    task = f"### {escaped(report.task)}\n\n" if report.task else ""
    return f"""{task}About {100 * report.accuracy:.0f} % correct (likely
{in_words(report.interval)}, with 95 % confidence): {report.correct} of {report.n}
images{evaluated_by(report.n_folds)}. Always answering the most frequent class would be
{base} % correct.{start}{early}

| class | test images | found (recall) | likely (95 %) | correct when predicted (precision) \
| likely (95 %) |
|---|---|---|---|---|---|
{rows}"""


def _origins(facts: RunFacts) -> str:
    dataset, backbone = facts.dataset, facts.backbone
    source = escaped(dataset.source) or "not stated"
    licence = escaped(dataset.licence) or "not stated"
    return f"""## What it was trained on

- Images: {escaped(dataset.title)}, {facts.report.n_train} for training and {facts.report.n} for
  the test (dataset version `{facts.report.dataset}`). Source: {source}. Licence: {licence}.
- Pretrained network: {escaped(backbone.title)} (`{_code(backbone.name)}` in timm). Licence of its
  weights: {escaped(backbone.licence)}.
- Training method: {escaped(facts.strategy)}.

The model is made from both the images and the pretrained weights: respect both licences when you
share it."""


def limits(facts: RunFacts) -> str:
    """What it cannot do, as a section of Markdown."""
    found = facts.report.calibration
    ood, sets = (found.ood, found.sets) if found else (None, None)
    models = _models(found) if found else ""
    strange = (
        "It always answers with one of its classes, even for an image that shows none of them."
    )
    if ood:
        strange += (
            " It marks images unlike all its training images as `ood`, and so it did with "
            f"{ood.flagged} of {ood.n} test images of its own classes{models}. {_new_class(found)}"
        )
    together = ""
    if sets:
        together = (
            f"\n- The classes in `prediction_set` are meant to contain the right one "
            f"{100 * sets.coverage:.0f} % of the time; they did for {sets.covered} of {sets.n} "
            f"test images{models}."
        )
    only = "" if facts.form == RGB else f"- It reads only images with {facts.form}.\n"
    return f"""## Limits

{only}- {strange}{together}
- {_fit_of_probabilities(found)}
- On images taken differently (another camera, light, background or style) it can do much worse
  than on the test images, which come from the same collection as the training images.
- It does not know what its training images leave out or show one-sidedly."""


def _new_class(found: CalibrationResult | None) -> str:
    """Whether images of a class that it was not taught are noticed."""
    if found is None or found.left_out is None:
        return "A new class that resembles one of its own often goes unnoticed."
    left_out, (low, high) = found.left_out, found.left_out.interval
    return (
        f"Of images of a class it was not taught, about {left_out.flagged / left_out.n:.0%} were "
        f"marked so (95 % interval {low:.0%} to {high:.0%}; each of {left_out.n_classes} of its "
        "classes was left out in turn)."
    )


def _fit_of_probabilities(found: CalibrationResult | None) -> str:
    if not found or found.temperature == 1.0:
        return "Its probabilities are a guide, not a guarantee: they were not calibrated."
    loss, n = found.log_loss, sum(each.n for each in found.reliability)
    return (
        f"Its probabilities were calibrated (temperature {found.temperature:.2f}) on "
        f"{found.n} images; the log-loss of the {n} test images"
        f"{_models(found)} went from {loss.before:.3f} to {loss.after:.3f}. They are a "
        "guide, not a guarantee."
    )


def _models(found: CalibrationResult) -> str:
    """Nothing where the model that is packed was measured alone."""
    if found.n_folds == 1:
        return ""
    return f" ({evaluated_by(found.n_folds).removeprefix(', ')})"


def classify_use(found: str) -> str:
    """How to use classify.py; `found` is what the rehearsal said."""
    return f"""```
uv run classify.py image.jpg folder "more/*.png" old.zip
uv run classify.py folder --csv answers.csv --xlsx answers.xlsx --json answers.json
uv run classify.py folder --sort-into sorted --by copy
uv run classify.py --undo sorted
uv run classify.py folder --watch --sort-into sorted --by move
```

Without uv: `pip install -r requirements.txt`, then `python classify.py` instead of
`uv run classify.py`. {found}"""


def again(facts: RunFacts) -> str:
    recipe = facts.recipe
    words = ["python", "-m", "core", "train", "DATA", "--backbone", recipe.backbone]
    words += ["--strategy", recipe.strategy]
    for key, value in recipe.options.items():
        words += ["--set", f"{key}={json.dumps(value)}"]
    words += ["--size", str(recipe.size), "--fit", recipe.fit, "--seed", str(recipe.seed)]
    words += [] if facts.form == RGB else ["--keep-channels"]
    words += ["--evaluation", recipe.evaluation.replace("_", "-"), "--holdout", str(recipe.holdout)]
    columns, further = _columns(facts), _further(facts)
    words += ["--labels", columns] if columns else []
    words += [word for flag, name, _ in further for word in (flag, name)]
    words += ["--out", "RUN"]
    sorted_by = "a table with these columns" if columns else "one folder of images per class"
    stand_for = "".join(f" {name} is {what}." for _, name, what in further)
    return f"""## How to reproduce it

```
{shlex.join(words)}
```

DATA is a folder with {sorted_by}.{stand_for} RUN is the new
folder of the run. The same images, recipe and machine give the same model."""


def _columns(facts: RunFacts) -> str:
    """The label columns that were learned, as --labels takes them; empty for folders of classes."""
    names = [facts.recipe.task] if facts.recipe.task else facts.dataset.tasks
    return ",".join(_code(name) for name in names)


def _further(facts: RunFacts) -> list[tuple[str, str, str]]:
    """What else it was made of: the flag, what stands for it in the command, and what that is."""
    roles = {item.role for item in facts.dataset.items}
    every = (
        (facts.recipe.start, "--from", "START", "the finished run it started from"),
        (facts.recipe.teacher, "--teacher", "TEACHER", "the finished run of its teacher"),
        (
            "source" in roles,
            "--source",
            "SOURCE",
            "a folder of labelled images of a different kind",
        ),
        ("unlabelled" in roles, "--unlabelled", "UNLABELLED", "a folder of unlabelled images"),
    )
    return [(flag, name, what) for there, flag, name, what in every if there]


def _code(name: str) -> str:
    return "".join(c for c in name if c.isprintable() and c != "`")
