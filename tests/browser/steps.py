"""What a person does and sees in the browser, in words."""

import io
import random
import re
import zipfile
from contextlib import suppress
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Error, Locator, Page, expect
from running_server import Server

LONG = 180_000
"""What a slow machine is given for everything that is waited for, in milliseconds."""
SCORE = re.compile(r"About \d+ % correct \(likely \d+–\d+ %\)")
"""How every score is said."""
DRAWN = "[data-testid=stApp][data-test-script-state=notRunning]"
MOST_FOLDED = 20
OPENED = "each => each.parentElement.open || !each.isConnected"


def settled(page: Page) -> None:
    """Wait until the page is drawn to its end.

    While it is drawn anew, what stood there before and what takes its place are both there. On a
    slow machine, a part that renews itself every second may never come to its end: it is not
    waited for without a limit, and whoever asks for more than this says what has to be seen.
    """
    with suppress(AssertionError):
        expect(page.locator(DRAWN)).to_be_attached(timeout=LONG / 3)


def ready(found: Locator) -> Locator:
    """The first of these that is seen, as soon as it is there and the page is drawn to its end."""
    first = found.filter(visible=True).first
    expect(first).to_be_visible()
    settled(first.page)
    return first


def click(found: Locator) -> None:
    ready(found).click()


def says(page: Page, words: str | re.Pattern[str], timeout: float = LONG) -> None:
    expect(page.get_by_text(words).filter(visible=True).first).to_be_visible(timeout=timeout)


def shows(page: Page, where: str, words: str | re.Pattern[str]) -> None:
    """Wait until a part of the page says this."""
    part = page.locator(where).filter(visible=True).filter(has_text=words)
    expect(part.first).to_be_visible()


def press(page: Page, name: str | re.Pattern[str], *, exact: bool = False) -> None:
    click(page.get_by_role("button", name=name, exact=exact))


def hear_choosers(page: Page) -> None:
    """Hear of file choosers from the start: a slow browser that is asked to tell of them only just
    before a key is pressed opens the system's own."""
    page.on("filechooser", lambda chooser: None)


def press_key(page: Page, key: str, until: str | re.Pattern[str] = "") -> None:
    """Press a key and, where it is told what the page then says, wait for that.

    A key pressed the moment a page is drawn may be heard by nobody: like a person, press again.
    """
    settled(page)
    page.keyboard.press(key)
    if until:
        try:
            says(page, until, timeout=LONG / 3)
        except AssertionError:
            page.keyboard.press(key)
            says(page, until)


def follow(page: Page, name: str, where: str = "body") -> None:
    click(page.locator(where).get_by_role("link", name=name))


def place(page: Page, name: str) -> None:
    """Open one of the four places of the project."""
    follow(page, name, ".st-key-places")


def change(page: Page, what: str, to: str) -> None:
    """On the page Train: use another backbone or another method, by its name in the code."""
    click(page.locator(f".st-key-change-{what} button"))
    click(page.locator(f".st-key-choose-{to} button"))
    # The list closes once the page is drawn with it: until then the options are another method's.
    expect(page.locator(f".st-key-choose-{to}")).to_have_count(0)


def open_tab(page: Page, name: str) -> None:
    click(page.get_by_role("tab", name=name))


def unfold(page: Page) -> None:
    """Open all that is folded away."""
    settled(page)
    folded = page.locator("[data-testid=stMain] details:not([open]) > summary").filter(visible=True)
    for _ in range(MOST_FOLDED):
        if not folded.count():
            return
        one = folded.first.element_handle()
        with suppress(Error):  # what is drawn anew under the mouse may miss the click, or be gone
            one.click()
            page.wait_for_function(OPENED, arg=one, timeout=5000)
        settled(page)
    raise AssertionError("something stays folded away")


def choose_class(page: Page, label: str, name: str) -> None:
    """Type the name of a class, new or old, into the box of this label."""
    box = ready(page.get_by_role("combobox", name=label))
    box.fill(name)
    box.press("Enter")


def download(page: Page, name: str) -> Path:
    """Follow a link that gives a file."""
    link = ready(page.get_by_role("link", name=name))
    with page.expect_download() as waiting:
        link.click()
    return waiting.value.path()


def fetches_nothing_evil(page: Page) -> None:
    """No name of a class has become a link or an image."""
    settled(page)
    expect(page.locator("a[href*='evil'], img[src*='evil']")).to_have_count(0)


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
        zipped.writestr(f"root/{classes[0]}/broken.jpg", b"\xff\xd8 not an image")
    return file


def begin(page: Page, server: Server, title: str) -> None:
    page.goto(server.address)
    ready(page.get_by_label("What should it recognise?")).fill(title)
    press(page, "Start a project")
    says(page, "Drop your images here")


def bring(page: Page, *files: Path | dict[str, object]) -> None:
    box = page.locator("input.files").first
    expect(box).to_be_attached()
    settled(page)
    box.set_input_files(list(files))


def set_steps(page: Page, steps: int) -> None:
    _set_number(page, "Training steps", steps)


def set_small(page: Page) -> None:
    """Train with small images, which is what makes it quick."""
    unfold(page)
    _set_number(page, "Image size in px", 96)


def _set_number(page: Page, name: str, to: int) -> None:
    box = ready(page.get_by_role("spinbutton", name=name))
    box.fill(str(to))
    box.press("Enter")
