"""Files that were brought and could not be taken, together where the reason is the same."""

from collections.abc import Iterator

from core.checks import Check, Evidence, Problem


def _find(evidence: Evidence) -> Iterator[Problem]:
    dataset = evidence.dataset
    here = {item.name for item in dataset.items}
    by_reason: dict[str, list[str]] = {}
    for each in dataset.left_out:
        if each.copy_of is None and each.name not in here:  # it may have been brought again, whole
            by_reason.setdefault(each.reason, []).append(each.name)
    for reason, names in by_reason.items():
        files = "1 file was" if len(names) == 1 else f"{len(names):,} files were"
        yield Problem(
            "unreadable",
            f"{files} left out: {_listed(names)}. {reason}",
            names=tuple(names),
            suggestion="fix these files and add them again",
            weight=len(names),
        )


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:3])
    return shown + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


CHECK = Check(
    kind="unreadable",
    title="Files that could not be used",
    advice="Images you meant to train on may be missing.",
    rank=10,
    find=_find,
)
