"""Find a Chromium for the browser tests, or get one: `python tests/browser/get_chromium.py`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
)


def find_chromium() -> str | None:
    """Path of a Chromium or Chrome on this machine; None when there is none."""
    on_path = (shutil.which(name) for name in NAMES)
    installed = (place for place in PLACES if Path(place).exists())
    return next(filter(None, (*on_path, *installed, _of_playwright())), None)


def get_chromium() -> str | None:
    """Path of a Chromium, installed now when there was none; None when that did not work."""
    if found := find_chromium():
        return found
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        _try("apt-get", "update", "-qq")
        # Not everywhere is there the second.
        for package in ("chromium", "chromium-headless-shell"):
            _try("apt-get", "install", "-y", "-qq", "--no-install-recommends", package)
    if found := find_chromium():
        return found
    _try(sys.executable, "-m", "playwright", "install", "chromium")
    return find_chromium()


def _of_playwright() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _try(*command: str) -> None:
    sys.stdout.write(f"Getting a Chromium for the browser tests: {' '.join(command)}\n")
    sys.stdout.flush()
    subprocess.run(command, check=False, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})


if __name__ == "__main__":
    chromium = get_chromium()
    sys.exit(0 if chromium else "There is no Chromium. Install Chromium or Chrome, then try again.")
