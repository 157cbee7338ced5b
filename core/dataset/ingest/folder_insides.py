"""What folders inside class folders are: parts of a split, masks, variants, or something else."""

from collections.abc import Sequence

from core.dataset.ingest import folder_notes as say
from core.dataset.ingest.folder_findings import Findings
from core.dataset.ingest.folder_names import means_masks, means_variant, split_parts
from core.dataset.ingest.folder_shapes import is_nameless, is_numbered, masks
from core.dataset.ingest.folder_tree import Tree


def read_inside(findings: Findings, classes: Sequence[Tree]) -> None:
    """Folders inside class folders: parts of a split, masks, variants, or something else."""
    deep = [child for child in classes if child.filled]
    names = {grand.name for child in deep for grand in child.filled}
    parts = split_parts(names)
    if names and len(parts) == len(names):
        for grand in (grand for child in deep for grand in child.filled):
            findings.put(grand, parts[grand.name])
        findings.notes.append(say.split_inside(sorted(names)))
        return
    for child in deep:
        for grand in child.filled:
            if grand in masks(child.filled):
                findings.leave_out(grand, say.MASKS)
            elif means_variant(grand.name):
                findings.vary(grand)
    _note_inside(findings, deep, len(classes))


def _note_inside(findings: Findings, deep: Sequence[Tree], n_classes: int) -> None:
    """Say which folders inside class folders could be classes themselves."""
    named = {
        child.name: sorted(
            grand.name
            for grand in child.filled
            if not (is_nameless(grand.name) or means_masks(grand.name))
        )
        for child in deep
    }
    branching = {name: inside for name, inside in named.items() if len(inside) > 1}
    if not branching:
        return
    mixed = {child.name for child in deep if not child.has_few_strays}
    telling = [
        name
        for name, inside in branching.items()
        if not all(is_numbered(each) or means_variant(each) for each in inside)
        and name not in mixed
    ]
    name, inside = min(branching.items())
    note = say.folders_inside(name, inside, is_doubtful=2 * len(telling) >= n_classes > 1)
    findings.notes.append(note)
