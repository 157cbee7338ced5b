"""The data sheet of a version: what is in it, where it comes from, what was wrong, what was done.

After Gebru et al., "Datasheets for Datasets" (2018, arXiv 1803.09010), kept to what is known here.
Names, titles and sources are text from outside: they are escaped, and stay text wherever the
Markdown is rendered.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

from core.checks import Problem, checks
from core.dataset.manifest import Dataset, Part, Role
from core.export.markdown import escaped

_LONGEST = 400
_CLASSES, _REASONS, _CHANGES, _SENTENCES = 200, 20, 100, 5
_ROLES: dict[Role, str] = {
    "labelled": "labelled, for training and testing",
    "unlabelled": "unlabelled",
    "source": "labelled, of a different kind (source domain)",
}
_PARTS: dict[Part, str] = {
    "train": "training",
    "val": "validation",
    "test": "the test",
}


def sheet(dataset: Dataset, history: Sequence[str], problems: Sequence[Problem] | None) -> str:
    """The whole data sheet as Markdown.

    `history` are the sentences of all changes, the oldest first; `problems` what was found in this
    version, None when nobody has looked.
    """
    parts = [
        _head(dataset),
        _counts(dataset),
        _files(dataset),
        _origins(dataset),
        _left_out(dataset),
        _problems(dataset, problems),
        _done(dataset, history),
    ]
    return "\n\n".join(parts) + "\n"


def _head(dataset: Dataset) -> str:
    total = len(dataset.items)
    tasks = f" Label columns: {_names(dataset.tasks)}." if dataset.tasks else ""
    came = f" Made from version `{dataset.parent}`." if dataset.parent else ""
    return (
        f"# {escaped(dataset.title) or 'Images'}: data sheet\n\n"
        f"Version `{dataset.id}`: {_images(total)} in {len(dataset.classes):,} classes."
        f"{came}{tasks}"
    )


def _counts(dataset: Dataset) -> str:
    shown = list(dataset.counts.items())[:_CLASSES]
    more = len(dataset.counts) - len(shown)
    lines = ["## What is in it", "", "| class | images |", "|---|---|"]
    lines += [f"| {escaped(name)} | {n:,} |" for name, n in shown]
    lines += [f"| and {more:,} more classes | |"] if more > 0 else []
    roles = Counter(item.role for item in dataset.items)
    parts = Counter(item.part for item in dataset.items if item.part)
    groups = Counter(item.group for item in dataset.items if item.group)
    lines += ["", *(f"- {_images(roles[r])} {words}" for r, words in _ROLES.items() if roles[r])]
    lines += [f"- {_images(parts[p])} for {w}" for p, w in _PARTS.items() if parts[p]]
    if groups:
        kept = sum(groups.values())
        lines.append(f"- {_images(kept)} in {len(groups):,} groups that every split keeps together")
    return "\n".join(lines)


def _files(dataset: Dataset) -> str:
    facts = [item.facts for item in dataset.items if item.facts]
    if not facts:
        return "## The files\n\nNothing is known about the original files."
    sides = [(max(f.width, f.height), min(f.width, f.height)) for f in facts]
    least, most = min(sides), max(sides)
    middle = tuple(round(median(side[k] for side in sides)) for k in (0, 1))
    cameras = Counter(f.camera for f in facts if f.camera)
    lines = [
        f"## The files\n\n- Format: {_tally(Counter(f.format for f in facts))}",
        f"- Colour mode: {_tally(Counter(f.mode for f in facts))}",
        f"- Size in pixels, longer side first: from {least[0]:,} × {least[1]:,} to {most[0]:,} × "
        f"{most[1]:,}, median {middle[0]:,} × {middle[1]:,}",
        f"- Together {sum(f.size for f in facts) / 1e6:,.1f} MB",
    ]
    lines += [f"- Camera: {_tally(cameras)}"] if cameras else []
    unknown = len(dataset.items) - len(facts)
    lines += [f"- Nothing is known about {_images(unknown)}"] if unknown else []
    return "\n".join(lines)


def _origins(dataset: Dataset) -> str:
    return (
        "## Where it comes from\n\n"
        f"- Source: {escaped(dataset.source, _LONGEST) or 'not stated'}\n"
        f"- Licence: {escaped(dataset.licence, _LONGEST) or 'not stated'}"
    )


def _left_out(dataset: Dataset) -> str:
    copies = sum(each.copy_of is not None for each in dataset.left_out)
    reasons = Counter(each.reason for each in dataset.left_out if each.copy_of is None)
    lines = [f"- {n:,}: {escaped(why, _LONGEST)}" for why, n in reasons.most_common(_REASONS)]
    more = sum(reasons.values()) - sum(n for _, n in reasons.most_common(_REASONS))
    lines += [f"- {more:,} for other reasons"] if more else []
    lines += [f"- {copies:,}: exact copies of an image in the same class, kept once"] * bool(copies)
    return "## What was left out\n\n" + ("\n".join(lines) or "Nothing: every file is in it.")


def _problems(dataset: Dataset, problems: Sequence[Problem] | None) -> str:
    head = "## What was found\n\n"
    if problems is None:
        return head + "Not checked yet."
    if not problems:
        return head + "No problems found."
    lines = []
    for kind, check in checks().items():
        own = [problem for problem in problems if problem.kind == kind]
        if own:
            lines.append(f"- {check.title}: {len(own):,}")
            lines += [f"    - {escaped(each.sentence, _LONGEST)}" for each in own[:_SENTENCES]]
            lines += [f"    - and {len(own) - _SENTENCES:,} more"] * (len(own) > _SENTENCES)
    return head + "\n".join(lines)


def _done(dataset: Dataset, history: Sequence[str]) -> str:
    said = [escaped(sentence, _LONGEST) for sentence in history if sentence.strip()]
    lines = [f"- {earlier:,} earlier changes"] if (earlier := len(said) - _CHANGES) > 0 else []
    lines += [f"- {sentence}" for sentence in said[-_CHANGES:]]
    if dismissed := len(dataset.dismissed):
        lines.append(f"- Kept as they are: {dismissed:,} problem{'s' if dismissed > 1 else ''}")
    return "## What was done\n\n" + ("\n".join(lines) or "Nothing was changed.")


def _tally(counts: Counter[str]) -> str:
    most = counts.most_common(10)
    listed = ", ".join(f"{escaped(name)} ({n:,})" for name, n in most)
    return listed + (f" and {len(counts) - len(most)} more" if len(counts) > len(most) else "")


def _names(names: Iterable[str]) -> str:
    return ", ".join(escaped(name) for name in names)


def _images(n: int) -> str:
    return "1 image" if n == 1 else f"{n:,} images"
