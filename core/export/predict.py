"""Say what is in images:   python predict.py image.jpg folder "more/*.png" [--json]

Needs the packages in requirements.txt, and the other files of this folder beside it. Made by Graft;
MODEL_CARD.md says what this model is good for. It ends with 0 when all images could be read, with
1 when some could not, and with 2 when none could.
"""

import argparse
import json
import math
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import timm
import torch
from PIL import Image
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent
FORMAT = 2
IMAGE_RULE = 1
"""Of model.json: this script reads no other."""
sys.path.insert(0, str(HERE))  # for the modules beside this one, also with python -I
warnings.simplefilter("ignore")  # about broken metadata, which cost nothing


def load() -> tuple[torch.nn.Module, dict[str, Any], dict[str, torch.Tensor]]:
    """The network with its trained weights, what model.json says, and the reference features."""
    about = json.loads((HERE / "model.json").read_text(encoding="utf-8"))
    if about["format"] != FORMAT or about.get("image_rule", IMAGE_RULE) != IMAGE_RULE:
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


def planes(file: str, longest: int, p: dict[str, Any], how: int) -> torch.Tensor:
    """The square of each channel of such an image, (channels, size, size)."""
    import numpy as np
    from image_reading import Refused, as_array, shrunken, square

    full = 2 ** p["bits"] - 1
    values = as_array(file, longest, len(p["mean"]), p["bits"])
    if values is None or (values.shape[2], 8 * values.itemsize) != (len(p["mean"]), p["bits"]):
        raise Refused(f"The model reads {len(p['mean'])} channels of {p['bits']} bits.")
    values, made = shrunken(values, longest), []
    for number, mean in enumerate(p["mean"]):
        plane = Image.fromarray(values[..., number].astype(np.float32))
        whole = square(plane, p["size"], p["fit"], [mean], how, full)
        made.append(torch.from_numpy(np.rint(np.asarray(whole)).clip(0, full)))
    return torch.stack(made)


def predict(
    network: Any, about: dict[str, Any], reference: dict[str, torch.Tensor], file: str
) -> dict[str, Any]:
    """The likeliest class, the probability of each, and what else can be said."""
    from image_reading import as_rgb, square

    p = about["preprocessing"]
    how = Image.Resampling[p["interpolation"].upper()]
    if len(p["mean"]) == 3 and p["bits"] == 8:
        image = square(as_rgb(file, about["longest_side"]), p["size"], p["fit"], p["mean"], how)
        pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
        pixels = pixels.view(p["size"], p["size"], 3).permute(2, 0, 1).float()
    else:
        pixels = planes(file, about["longest_side"], p, how)
    batch = pixels[None] / (2 ** p["bits"] - 1)
    mean, std = (torch.tensor(p[name]).view(1, -1, 1, 1) for name in ("mean", "std"))
    with torch.inference_mode():
        features, stages = see(network, (batch - mean) / std)
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
    if reference:
        said = [list(each["probabilities"].values()) for each in answers.values()]
        score = unknown_score(torch.cat([features, *stages], 1), features, said, reference)
        row |= {"ood": score > 1, "ood_score": score}
    return row


def see(network: Any, batch: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The features that the classifier reads; mean and maximum of each of the last two stages."""
    if not hasattr(network, "forward_intermediates"):
        return network.forward_head(network.forward_features(batch), pre_logits=True), []
    last = min(2, len(list(network.feature_info)))
    maps, late = network.forward_intermediates(batch, indices=last)
    kinds = [kind for each in late for kind in (each.mean((2, 3)), each.amax((2, 3)))]
    return network.forward_head(maps, pre_logits=True), kinds


def unknown_score(
    wide: torch.Tensor,
    features: torch.Tensor,
    said: list[list[float]],
    reference: dict[str, torch.Tensor],
) -> float:
    """The distance to the nearest training image, more where the answer is in doubt; above 1 the
    image shows none of the classes."""
    if "block_sizes" in reference:
        weights = reference["block_weights"].sqrt().tolist()
        parts = torch.tensor_split(wide, reference["block_sizes"].cumsum(0).tolist()[:-1], dim=1)
        rows = torch.cat([w * roots(part) for part, w in zip(parts, weights, strict=True)], dim=1)
        entropies = [
            -sum(max(1e-7, p) * math.log(max(1e-7, p)) for p in each) / math.log(max(2, len(each)))
            for each in said
        ]
        doubt = math.exp(sum(entropies) / len(entropies) / 2)
    else:  # a model of before
        rows, doubt = roots(features), 2 - sum(max(each) for each in said) / len(said)
    distance = (1 - (reference["features"].float() @ rows[0].float()).max()).clamp(min=0)
    return float(distance * doubt / reference["threshold"])


def roots(features: torch.Tensor) -> torch.Tensor:
    """Square roots of unit length: a few loud features count less."""
    return torch.nn.functional.normalize(features.sign() * features.abs().sqrt())


def answer(probabilities: dict[str, float], threshold: float | None) -> dict[str, Any]:
    """The likeliest class, how likely each one is, and of which the right one mostly is one."""
    ranked = sorted(probabilities, key=lambda name: -probabilities[name])
    inside = None
    if threshold is not None:
        inside = [ranked[0], *(name for name in ranked[1:] if probabilities[name] >= threshold)]
    return {"label": ranked[0], "probabilities": probabilities, "prediction_set": inside}


def rows_of(files: list[str]) -> Iterator[dict[str, Any]]:
    """What is in each file, or why that cannot be said: one bad file costs only its own row."""
    from image_reading import why_unreadable

    network, about, reference = load()
    for file in files:
        try:
            yield {"image": file, **predict(network, about, reference, file)}
        except Exception as error:  # noqa: BLE001  # damaged files throw anything
            yield {"image": file, "error": why_unreadable(error, file)}


def line_of(row: dict[str, Any]) -> str:
    """A row for people."""
    answers = row.get("tasks") or {"": row}
    line = row.get("error") or ", ".join(
        f"{each['label']} ({each['probabilities'][each['label']]:.0%})" for each in answers.values()
    )
    strange = "unknown, perhaps " if row.get("ood") else ""
    line = f"{row['image']}: {strange}{line}"
    return "".join(c if c.isprintable() else "?" for c in line)


def main() -> int:
    """Print one line an image, or all as JSON."""
    from image_kinds import files_of

    parser = argparse.ArgumentParser(description="Say what is in images.")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help='a file, a folder or "*.jpg"')
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    chosen = parser.parse_args()
    rows = []
    for row in rows_of(files_of(chosen.images)):
        rows.append(row)
        if not chosen.json:
            line = line_of(row) + "\n"
            sys.stdout.buffer.write(line.encode(sys.stdout.encoding, "replace"))
            sys.stdout.buffer.flush()
    if chosen.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    failed = sum("error" in row for row in rows)
    return 0 if not failed else 2 if failed == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
