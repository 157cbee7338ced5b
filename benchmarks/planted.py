"""Faults planted in sets of real images: leaks, two labels, bursts, shortcuts, names, copies.

`make bench ARGS=planted`; about six minutes on two free cores. Each planting is a folder that is
imported and checked as a person's would be. A group of files is found when one problem of the kind
holds all of it; a problem is right when it holds a whole group, or a part of one and nothing else.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageEnhance

from benchmarks.duplicates import PLANTINGS
from core.checks import Problem, from_dict
from core.checks._runner import check
from core.dataset.ingest.importing import import_images
from core.dataset.samples import write_sample
from core.dataset.store import Store
from core.events import Finished, Found
from core.settings import Settings

SEED = 7
EACH = 20
SCENES, SHOTS = 10, 4
_COPIES = ("crop to 90 %", "JPEG of quality 40", "20 % brighter")
_TAKEN, _CAMERA = 36867, 272
"""EXIF tags: when an image was taken, and with which camera."""

Groups = list[set[str]]
Names = np.ndarray


def main() -> list[dict[str, Any]]:
    """A row for each sample and kind: found of planted, right of problems; and as it is."""
    rows = []
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home) / "home")
        for sample in ("emoji", "digits"):
            clean = write_sample(sample, Path(home) / sample)
            rows += _rows(sample, "nothing", clean, {kind: [] for kind in PLANTS}, settings)
            for kind, plant in PLANTS.items():
                folder = shutil.copytree(clean, Path(home) / f"{sample}-{kind}")
                groups = plant(folder, np.random.default_rng(SEED))
                rows += _rows(sample, kind, folder, {kind: groups}, settings)
    return rows


def _rows(
    sample: str, planted: str, folder: Path, wanted: dict[str, Groups], settings: Settings
) -> list[dict[str, Any]]:
    store, rows = Store(settings.home), []
    *_, imported = import_images(folder, store, settings, title=folder.name)
    if not isinstance(imported, Finished):
        raise RuntimeError("the import did not finish")
    dataset = store.load(imported.result["dataset"])
    events = list(check(dataset, store, settings))
    problems = [from_dict(event.problem) for event in events if isinstance(event, Found)]

    def names(problem: Problem) -> set[str]:
        return {dataset.items[place].name for place in problem.indices} | {*problem.names}

    for kind, groups in wanted.items():
        told = [names(problem) for problem in problems if problem.kind == kind]
        found = sum(any(group <= each for each in told) for group in groups)
        right = sum(any(group <= each or each <= group for group in groups) for each in told)
        rows.append(
            {"sample": sample, "planted": planted, "kind": kind, "found": found}
            | {"of": len(groups), "right": right, "problems": len(told)}
        )
        print(json.dumps(rows[-1]), flush=True)
    return rows


def _pictures(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.png"))


def _some(folder: Path, chance: np.random.Generator, n: int = EACH) -> list[Path]:
    files = _pictures(folder)
    return [files[place] for place in chance.choice(len(files), n, replace=False)]


def _plain(file: Path) -> Image.Image:
    with Image.open(file) as opened:
        white = Image.new("RGBA", opened.size, "white")
        return Image.alpha_composite(white, opened.convert("RGBA")).convert("RGB")


def _copies(files: list[Path]) -> Iterator[tuple[Path, Image.Image]]:
    """Each file with a near-copy of it."""
    for number, file in enumerate(files):
        yield file, PLANTINGS[_COPIES[number % len(_COPIES)]](_plain(file))


def _leak(folder: Path, chance: np.random.Generator) -> Groups:
    """A fifth of each class is the test part, which gets near-copies of what is learned from."""
    for number, file in enumerate(_pictures(folder)):
        place = folder / ("test" if number % 5 == 0 else "train") / file.parent.name
        place.mkdir(parents=True, exist_ok=True)
        file.rename(place / file.name)
    for place in folder.iterdir():
        if place.name not in ("train", "test"):
            place.rmdir()
    groups = []
    for file, copy in _copies(_some(folder / "train", chance)):
        twin = folder / "test" / file.parent.name / f"x{file.name}"
        copy.save(twin)
        groups.append({f.relative_to(folder).as_posix() for f in (file, twin)})
    return groups


def _two_labels(folder: Path, chance: np.random.Generator) -> Groups:
    """Near-copies in another class."""
    classes = sorted(place.name for place in folder.iterdir())
    groups = []
    for file, copy in _copies(_some(folder, chance)):
        other = chance.choice([name for name in classes if name != file.parent.name])
        twin = folder / str(other) / f"x{file.name}"
        copy.save(twin)
        groups.append({f.relative_to(folder).as_posix() for f in (file, twin)})
    return groups


def _burst(folder: Path, chance: np.random.Generator) -> Groups:
    """Scenes of four shots, a second apart by one camera's clock: moved, and lit a little else."""
    groups = []
    for scene, file in enumerate(_some(folder, chance, SCENES)):
        image, group = _plain(file), set()
        file.unlink()
        for shot in range(SHOTS):
            moved = ImageChops.offset(image, *(int(n) for n in chance.integers(-6, 7, 2)))
            lit = ImageEnhance.Brightness(moved).enhance(float(chance.uniform(0.8, 1.2)))
            exif = Image.Exif()
            exif[_CAMERA] = "Nikon D70"
            exif.get_ifd(0x8769)[_TAKEN] = f"2024:05:01 12:{scene:02d}:{shot:02d}"
            place = file.with_name(f"dsc{chance.integers(10_000)}{shot}.jpg")
            lit.save(place, quality=92, exif=exif)
            group.add(place.relative_to(folder).as_posix())
        groups.append(group)
    return groups


def _shortcut(folder: Path, chance: np.random.Generator) -> Groups:
    """One class was kept as JPEG, all others as PNG."""
    told = chance.choice(sorted(place.name for place in folder.iterdir()))
    group = set()
    for file in sorted((folder / str(told)).glob("*.png")):
        place = file.with_suffix(".jpg")
        _plain(file).save(place, quality=92)
        file.unlink()
        group.add(place.relative_to(folder).as_posix())
    return [group]


def _class_name(folder: Path, chance: np.random.Generator) -> Groups:
    """A third of a class lies in a folder whose name is the same but for a capital."""
    name = str(chance.choice(sorted(place.name for place in folder.iterdir())))
    renamed = folder / (name.title() if name.title() != name else f"{name}_")
    renamed.mkdir()
    for file in sorted((folder / name).glob("*.png"))[::3]:
        file.rename(renamed / file.name)
    both = [*(folder / name).glob("*.png"), *renamed.glob("*.png")]
    return [{file.relative_to(folder).as_posix() for file in both}]


def _exact(folder: Path, chance: np.random.Generator) -> Groups:
    """The same file under another name."""
    groups = []
    for file in _some(folder, chance):
        twin = file.with_name(f"x{file.name}")
        shutil.copy(file, twin)
        groups.append({f.relative_to(folder).as_posix() for f in (file, twin)})
    return groups


def _unreadable(folder: Path, chance: np.random.Generator) -> Groups:
    """Files cut off in the middle: told together, for the reason is the same."""
    files = _some(folder, chance)
    for file in files:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
    return [{file.relative_to(folder).as_posix()} for file in files]


PLANTS: dict[str, Callable[[Path, np.random.Generator], Groups]] = {
    "leak": _leak,
    "two-labels": _two_labels,
    "burst": _burst,
    "shortcut": _shortcut,
    "class-name": _class_name,
    "exact-duplicate": _exact,
    "unreadable": _unreadable,
}
