"""A ZIP of real images with planted faults."""

import zipfile
from pathlib import Path

from PIL import Image

from core.dataset.samples import write_sample

CLASSES = ("faces", "food", "transport")
TWO_LABELS = "transport/twin.png"
WRONG = "faces/astray.png"
COPY = "food/again.jpg"


def faulty_zip(folder: Path, n: int = 20) -> Path:
    """`n` emoji in each of three classes, and one of each: an image that lies in two classes, a
    image in a class where it does not belong, and a lighter copy of another."""
    sample = write_sample("emoji", folder / "sample")
    chosen = {label: sorted((sample / label).iterdir()) for label in CLASSES}
    for label, files in chosen.items():
        chosen[label] = files[:: len(files) // (n + 1)][: n + 1]
    lighter = folder / "again.jpg"
    with Image.open(chosen["food"][3]) as image:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        white.convert("RGB").point(lambda v: min(255, round(v * 1.06))).save(lighter, quality=80)
    made = folder / "faulty.zip"
    with zipfile.ZipFile(made, "w") as zipped:
        for label, files in chosen.items():
            for file in files[:n]:
                zipped.write(file, f"emoji/{label}/{file.name}")
        zipped.write(chosen["faces"][5], f"emoji/{TWO_LABELS}")
        zipped.write(chosen["transport"][n], f"emoji/{WRONG}")
        zipped.write(lighter, f"emoji/{COPY}")
    return made
