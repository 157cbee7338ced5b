"""Say what is in pictures:   python predict.py picture.jpg [more.png ...] [--json]

Needs the packages in requirements.txt, and the files model.safetensors, model.json and, to tell
unknown pictures, reference_features.safetensors beside it. Made by Graft; MODEL_CARD.md says what
this model is good for.
"""

import argparse
import json
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import timm
import torch
from PIL import Image, ImageCms, ImageOps
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent
FORMAT = 2
"""Of model.json: this script reads no other."""


def load() -> tuple[torch.nn.Module, dict[str, Any], dict[str, torch.Tensor]]:
    """The network with its trained weights, what model.json says, and the reference features."""
    about = json.loads((HERE / "model.json").read_text(encoding="utf-8"))
    if about["format"] != FORMAT:
        raise SystemExit("This predict.py belongs to another model: export the model again.")
    outputs = sum(map(len, tasks_of(about).values()))
    network = timm.create_model(
        about["backbone"], pretrained=False, num_classes=outputs, **about["arguments"]
    )
    network.load_state_dict(load_file(HERE / "model.safetensors"))
    reference = HERE / "reference_features.safetensors"
    return network.eval(), about, load_file(reference) if reference.exists() else {}


def tasks_of(about: dict[str, Any]) -> dict[str, list[str]]:
    """The classes of each task, by its name; usually one without a name."""
    return about.get("tasks") or {"": about["classes"]}


def opened(file: str, longest: int) -> Image.Image:
    """The picture as the model learned from such: upright, on white, in plain red, green, blue."""
    image: Image.Image = Image.open(file)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        return image.convert("F").point(lambda grey: grey * (255 / 65535) + 0.5).convert("RGB")
    profile = BytesIO(image.info.get("icc_profile", b""))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    try:
        own, plain = ImageCms.ImageCmsProfile(profile), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, own, plain, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError):  # no colour profile, or none that fits
        return image.convert("RGB")


def all_channels(file: str, count: int) -> Any:
    """A picture that is not red, green and blue, upright, as an array (height, width, channels)."""
    import numpy as np
    import tifffile

    start = Path(file).read_bytes()[:4]
    if count > 1 and start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        with tifffile.TiffFile(file) as tiff:
            page: Any = tiff.pages.first
            values = np.atleast_3d(page.asarray())
            values = np.moveaxis(values, 0, -1) if page.axes == "SYX" else values
            turn = int(page.tags[274].value) if 274 in page.tags else 1
        values = values.swapaxes(0, 1) if turn > 4 else values
        values = values[::-1] if turn in (3, 4, 7, 8) else values
        return values[:, ::-1] if turn in (2, 3, 6, 7) else values
    image = ImageOps.exif_transpose(Image.open(file))
    if not image.mode.startswith("I;16"):
        return np.asarray(image.convert("L"))[..., None]
    deep = np.asarray(image).astype(np.uint16)[..., None]
    return 65535 - deep if getattr(image, "tag_v2", {}).get(262) == 0 else deep


def planes(file: str, longest: int, p: dict[str, Any], how: int) -> torch.Tensor:
    """The square of each channel of such a picture, (channels, size, size)."""
    import numpy as np

    values = all_channels(file, len(p["mean"]))
    height, width, count = values.shape
    if (count, 8 * values.dtype.itemsize) != (len(p["mean"]), p["bits"]):
        raise ValueError(f"The model reads {len(p['mean'])} channels of {p['bits']} bits.")
    shrunk = min(1.0, longest / max(height, width))
    size = max(1, round(width * shrunk)), max(1, round(height * shrunk))
    made = []
    for number, mean in enumerate(p["mean"]):
        plane = Image.fromarray(values[..., number].astype(np.float32))
        if shrunk < 1:
            plane = Image.fromarray(np.rint(np.asarray(plane.resize(size, Image.Resampling.BOX))))
        whole = square(plane, p["size"], p["fit"], [mean], how, 2 ** p["bits"] - 1)
        made.append(torch.from_numpy(np.rint(np.asarray(whole)).clip(0, 2 ** p["bits"] - 1)))
    return torch.stack(made)


def square(
    image: Image.Image, size: int, fit: str, mean: list[float], how: int, full: int = 255
) -> Image.Image:
    """The picture as a square: squashed, cropped to its middle, or padded with the mean colour."""
    width, height = image.size
    if fit == "squash":
        return image.resize((size, size), how)
    if fit == "crop":
        edge = min(width, height)
        left, top = (width - edge) / 2, (height - edge) / 2
        return image.resize((size, size), how, box=(left, top, left + edge, top + edge))
    longer = max(width, height)
    inner = max(1, round(width * size / longer)), max(1, round(height * size / longer))
    colour = tuple(round(full * value) for value in mean)
    plain = min(max(full * mean[0], 0.0), float(full))
    ground = Image.new(image.mode, (size, size), plain if image.mode == "F" else colour)
    ground.paste(image.resize(inner, how), ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return ground


def predict(
    network: Any, about: dict[str, Any], reference: dict[str, torch.Tensor], file: str
) -> dict[str, Any]:
    """The likeliest class, the probability of each, and what else can be said."""
    p = about["preprocessing"]
    how = Image.Resampling[p["interpolation"].upper()]
    if len(p["mean"]) == 3 and p["bits"] == 8:
        picture = square(opened(file, about["longest_side"]), p["size"], p["fit"], p["mean"], how)
        pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
        pixels = pixels.view(p["size"], p["size"], 3).permute(2, 0, 1).float()
    else:
        pixels = planes(file, about["longest_side"], p, how)
    batch = pixels[None] / (2 ** p["bits"] - 1)
    mean, std = (torch.tensor(p[name]).view(1, -1, 1, 1) for name in ("mean", "std"))
    with torch.inference_mode():
        maps = network.forward_features((batch - mean) / std)
        features = network.forward_head(maps, pre_logits=True)
        logits = network.get_classifier()(features)[0]
    answers, first = {}, 0
    for task, classes in tasks_of(about).items():
        own = about["calibrations"].get(task, about)
        own_logits = logits[first : first + len(classes)] / own["temperature"]
        probabilities = dict(zip(classes, own_logits.softmax(0).tolist(), strict=True))
        answers[task] = answer(probabilities, own["conformal_threshold"])
        first += len(classes)
    row = next(iter(answers.values())) | ({"tasks": answers} if about.get("tasks") else {})
    row |= {"ood": None, "ood_score": None}  # None: nobody could tell so far
    if reference:  # the distance to the nearest training image, doubled without confidence
        roots = torch.nn.functional.normalize(features.sign() * features.abs().sqrt())
        distance = (1 - (reference["features"].float() @ roots[0]).max()).clamp(min=0)
        confidence = [each["probabilities"][each["label"]] for each in answers.values()]
        score = float(distance * (2 - sum(confidence) / len(confidence)) / reference["threshold"])
        row |= {"ood": score > 1, "ood_score": score}
    return row


def answer(probabilities: dict[str, float], threshold: float | None) -> dict[str, Any]:
    """The likeliest class, how likely each one is, and of which the right one mostly is one."""
    ranked = sorted(probabilities, key=lambda name: -probabilities[name])
    inside = None
    if threshold is not None:
        inside = [ranked[0], *(name for name in ranked[1:] if probabilities[name] >= threshold)]
    return {"label": ranked[0], "probabilities": probabilities, "prediction_set": inside}


def main() -> None:
    """Print one line a picture, or all as JSON."""
    parser = argparse.ArgumentParser(description="Say what is in pictures.")
    parser.add_argument("pictures", nargs="+", metavar="PICTURE")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    chosen = parser.parse_args()
    network, about, reference = load()
    rows: list[dict[str, Any]] = []
    for file in chosen.pictures:
        try:
            rows.append({"image": file, **predict(network, about, reference, file)})
        except (OSError, ValueError) as error:
            rows.append({"image": file, "error": str(error)})
    if chosen.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    for row in rows:
        answers = row.get("tasks") or {"": row}
        line = row.get("error") or ", ".join(
            f"{each['label']} ({each['probabilities'][each['label']]:.0%})"
            for each in answers.values()
        )
        strange = "unknown, perhaps " if row.get("ood") else ""
        line = f"{row['image']}: {strange}{line}"
        line = "".join(c if c.isprintable() else "?" for c in line) + "\n"
        sys.stdout.buffer.write(line.encode(sys.stdout.encoding, "replace"))


if __name__ == "__main__":
    main()
