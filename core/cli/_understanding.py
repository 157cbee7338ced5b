"""What was understood of images that somebody brought, in lines for a person."""

from core.dataset.ingest.understanding import Alternative, Note, Understanding

_MOST_CLASSES = 20
_FLAGS = {"classes": "--classes-from", "label_column": "--label-column", "one_hot": "--one-hot",
          "all_frames": "--all-frames"}  # fmt: skip


def in_lines(understanding: Understanding) -> list[str]:
    """Everything but the notes and the files left out."""
    lines = [f"{sum(understanding.classes.values()):,} images in "
             f"{len(understanding.classes):,} classes: {_counts(understanding)}"]  # fmt: skip
    if understanding.unlabelled:
        lines.append(f"Unlabelled: {understanding.unlabelled:,}")
    split = understanding.split
    if any(split.values()):
        lines.append(
            f"Split: {split['train']:,} for training, {split['val']:,} for validation, "
            f"{split['test']:,} for testing"
        )
    for table in understanding.tables:
        details = [f"{table.rows:,} rows", *([f"sheet {table.sheet}"] if table.sheet else []),
                   *([table.encoding] if table.encoding else [])]  # fmt: skip
        lines.append(f"Table {table.name}: {', '.join(details)}")
    if understanding.columns:
        named = [f"{each.name} (used)" if each.used else each.name
                 for each in understanding.columns]  # fmt: skip
        lines.append(f"Columns: {', '.join(named)}")
    return lines


def left_out_lines(understanding: Understanding) -> list[str]:
    """Files left out by reason, with examples."""
    lines = []
    for group in understanding.left_out:
        more = ", …" if group.count > len(group.examples) else ""
        lines.append(
            f"Left out {group.count:,}: {group.reason} ({', '.join(group.examples)}{more})"
        )
    return lines


def note_line(note: Note) -> str:
    """A note, with what to type for the other way to read the same files."""
    return note.sentence + (alternative_line(note.alternative) if note.alternative else "")


def alternative_line(other: Alternative) -> str:
    """What to type for another way to read the same files, in brackets."""
    name, _, value = other.option.partition("=")
    flag = _FLAGS.get(name, "")
    if value == "true":
        return f" ({other.title}: {flag})"
    if name == "one_hot":
        return f" ({other.title}.)"
    quoted = f'"{value}"' if " " in value else value
    return f" ({other.title}: {flag} {quoted})"


def _counts(understanding: Understanding) -> str:
    counts = [f"{name} ({n:,})" for name, n in understanding.classes.items()]
    more = len(counts) - _MOST_CLASSES
    return ", ".join(counts[:_MOST_CLASSES]) + (f" and {more:,} more" if more > 0 else "")
