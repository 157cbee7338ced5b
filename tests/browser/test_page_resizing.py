"""The one-file page shrinks images as Pillow does, bit for bit: its script against the app."""

import base64
import io
import random
from typing import Any

import numpy as np
import pytest
from made_models import photographs
from PIL import Image
from playwright.sync_api import Browser, Page

from core.backbones.preprocessing import Preprocessing
from core.dataset.ingest.colour import to_rgb, within
from core.export.one_page import SOURCES

RUN = """cases => cases.map(({ width, height, bytes, side, about }) => {
  const data = Uint8Array.from(atob(bytes), c => c.charCodeAt(0));
  const small = shrunk({ width, height, data }, side);
  const text = ({ data }) => btoa(Array.from(data, c => String.fromCharCode(c)).join(''));
  return [small.width, small.height, text(small), text(square(small, about))];
})"""


@pytest.fixture(scope="module")
def script(chromium: Browser) -> Page:
    page = chromium.new_page()
    page.add_script_tag(content=(SOURCES / "pillow.js").read_text(encoding="utf-8"))
    return page


def noise(chance: random.Random, longest: int) -> Image.Image:
    """Random pixels, every other time only black and white, which overshoots most."""
    width, height = chance.randint(1, longest), chance.randint(1, longest)
    values = np.frombuffer(chance.randbytes(width * height * 3), np.uint8)
    values = (values > 127) * np.uint8(255) if chance.random() < 0.5 else values
    return Image.fromarray(values.reshape(height, width, 3))


def case(image: Image.Image, side: int, fit: Preprocessing) -> dict[str, Any]:
    about = {name: getattr(fit, name) for name in ("size", "fit", "mean", "interpolation")}
    content = base64.b64encode(image.tobytes()).decode()
    shape = {"width": image.width, "height": image.height}
    return {**shape, "bytes": content, "side": side, "about": about}


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_images_of_many_sizes_come_out_equal(script: Page, fit: Any, interpolation: Any) -> None:
    chance = random.Random(f"{fit} {interpolation}")
    # Also below the size kept, as images over 1,024 px are: shrunk in blocks, then to size.
    asked = [
        (noise(chance, longest), side, chance.choice((224, 96, 299)))
        for longest, side in [(1024, 1024)] * 3 + [(300, 1024)] * 6 + [(400, 60), (500, 37)] * 3
    ]
    how = [
        Preprocessing(size, fit, (0.485, 0.4, 0.5), (1, 1, 1), interpolation) for *_, size in asked
    ]
    cases = [case(image, side, each) for (image, side, _), each in zip(asked, how, strict=True)]
    answers = script.evaluate(RUN, cases)
    for (image, side, _), each, (width, height, small, square) in zip(
        asked, how, answers, strict=True
    ):
        kept = to_rgb(image, None, within(image.size, side))
        assert (width, height) == kept.size
        assert base64.b64decode(small) == kept.tobytes()
        assert base64.b64decode(square) == each.square(kept).tobytes()


def test_tall_and_wide_ones_take_the_passes_in_pillows_order(script: Page) -> None:
    chance = random.Random(5)
    sizes = [
        (30, 900),
        (900, 30),
        (1, 700),
        (700, 1),
        (225, 226),
        (224, 900),
        (400, 575),
        (400, 577),
    ]
    images = [
        Image.frombytes("RGB", size, chance.randbytes(size[0] * size[1] * 3)) for size in sizes
    ]
    how = Preprocessing(224, "squash", (0.5,) * 3, (1.0,) * 3)
    answers = script.evaluate(RUN, [case(image, 1024, how) for image in images])
    for image, (*_, square) in zip(images, answers, strict=True):
        assert base64.b64decode(square) == how.square(image).tobytes()


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize(("mode", "subsampling"), [("L", 0), ("RGB", 0), ("RGB", 2)])
def test_a_jpeg_is_decoded_at_a_half_a_quarter_or_an_eighth_as_by_libjpeg(
    script: Page, mode: str, subsampling: int, factor: int
) -> None:
    photo = photographs()[2].convert(mode).crop((0, 0, 509, 403))
    how = {"subsampling": subsampling} if mode == "RGB" else {}
    photo.save(buffer := io.BytesIO(), "JPEG", quality=90, **how)
    whole = Image.open(buffer).convert("RGB")
    with Image.open(buffer) as opened:
        opened.draft(None, (photo.width // factor, photo.height // factor))
        expected = np.asarray(opened.convert("RGB")).astype(int)
    asked = {
        "width": whole.width,
        "height": whole.height,
        "bytes": base64.b64encode(whole.tobytes()).decode(),
        "factor": factor,
        "packed": subsampling == 2,
    }
    width, height, content = script.evaluate(
        """({ width, height, bytes, factor, packed }) => {
          const data = Uint8Array.from(atob(bytes), c => c.charCodeAt(0));
          const means = reduce({ width, height, data }, factor);
          const made = packed ? sharperColours(means, factor) : means;
          return [made.width, made.height,
            btoa(Array.from(made.data, c => String.fromCharCode(c)).join(''))];
        }""",
        asked,
    )
    assert (height, width) == expected.shape[:2]
    found = np.frombuffer(base64.b64decode(content), np.uint8).reshape(height, width, 3)
    off = np.abs(found.astype(int) - expected)[:-1, :-1]
    assert off.mean() < 0.5
    assert off.max() <= (20 if subsampling == 2 else 8)
