"""What a person does and sees in the browser, in words."""

import io
import random
import re
import zipfile
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect
from running_server import Server

LONG = 180_000


def says(page: Page, words: str | re.Pattern[str], timeout: float = LONG) -> None:
    expect(page.get_by_text(words).filter(visible=True).first).to_be_visible(timeout=timeout)


def press(page: Page, name: str, *, exact: bool = False) -> None:
    page.get_by_role("button", name=name, exact=exact).first.click()


def step(page: Page, name: str) -> None:
    page.locator(".st-key-steps").get_by_role("link", name=name).click()


def picture(kind: int, seed: int, size: int = 160) -> bytes:
    """A JPEG of one of two easily told kinds: blue rings or orange bars."""
    chance = random.Random(seed)
    image = Image.new("RGB", (size, size), ("#dfe8f5", "#f6e7d6")[kind])
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y, r = (chance.randrange(10, size - 10) for _ in range(3))
        if kind == 0:
            draw.ellipse((x - r / 4, y - r / 4, x + r / 4, y + r / 4), outline="#2b5fb3", width=5)
        else:
            draw.rectangle((x, 0, x + 9, size), fill="#c8641f")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()


def archive(folder: Path, classes: tuple[str, str], n: int = 14) -> Path:
    file = folder / "pictures.zip"
    with zipfile.ZipFile(file, "w") as zipped:
        for kind, name in enumerate(classes):
            for seed in range(n):
                zipped.writestr(f"root/{name}/{seed}.JPG", picture(kind, 100 * kind + seed))
        zipped.writestr("root/.DS_Store", b"junk")
        zipped.writestr(f"root/{classes[0]}/broken.jpg", b"\xff\xd8 not a picture")
    return file


def begin(page: Page, server: Server, title: str) -> None:
    page.goto(server.address)
    page.get_by_label("What shall it tell apart?").fill(title)
    press(page, "Begin a project")
    says(page, "Bring your pictures")


def bring(page: Page, *files: Path | dict[str, object]) -> None:
    page.locator("input.files").first.set_input_files(list(files))


def set_steps(page: Page, steps: int) -> None:
    box = page.get_by_role("spinbutton", name="How long to learn")
    box.fill(str(steps))
    box.press("Enter")
