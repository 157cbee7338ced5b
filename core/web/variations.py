"""The strips of varied images that a job has drawn."""

from pathlib import Path

from core.jobs.answers import finished_result


def variation_strips(folder: Path) -> list[tuple[str, bytes]]:
    """For each image its class and a WebP: as it is, then as learning would vary it.

    Empty before the job is finished. See core.training.augmentation_preview.
    """
    strips = (finished_result(folder) or {}).get("strips", [])
    files = ((str(strip["label"]), folder / Path(strip["file"]).name) for strip in strips)
    return [(label, file.read_bytes()) for label, file in files if file.is_file()]
