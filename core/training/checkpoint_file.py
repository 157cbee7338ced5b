"""Where a run's checkpoint lies. Whoever only asks for the file need not load torch."""

from pathlib import Path

_NAME = "checkpoint.safetensors"


def checkpoint_file(run: Path) -> Path:
    """The checkpoint of the run in this folder."""
    return run / _NAME


def has_checkpoint(run: Path) -> bool:
    """Whether there is one."""
    return checkpoint_file(run).exists()


def discard_checkpoint(run: Path) -> None:
    """Remove it once the run is finished: its model is saved, so nothing resumes from there."""
    checkpoint_file(run).unlink(missing_ok=True)
