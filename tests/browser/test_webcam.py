"""Images from the camera, class by class; Chromium plays the camera."""

from playwright.sync_api import Page, expect
from running_server import Server
from steps import begin, open_tab, press, ready, says


def record(page: Page, name: str, least: int, key: str = " ") -> None:
    """Hold the key on the button of a class until there are so many images."""
    ready(page.get_by_role("button", name=f"Hold to record images of {name}")).focus()
    shots = page.locator(".classes li").filter(has=page.locator(f"[aria-label$='of {name}']"))
    page.keyboard.down(key)
    expect(shots.locator(".shots button").nth(least - 1)).to_be_attached()
    page.keyboard.up(key)
    if key == "Enter":
        page.keyboard.press(key)
    expect(page.get_by_text("Recording …")).to_have_count(0)


def open_camera(page: Page, server: Server, title: str) -> None:
    begin(page, server, title)
    open_tab(page, "Camera")
    press(page, "Turn on the camera")


def test_two_classes_are_recorded_and_taken_in(page: Page, server: Server):
    open_camera(page, server, "Camera")
    ready(page.get_by_label("Name of class 1")).fill("left")
    page.get_by_label("Name of class 2").fill("right/../<b>")
    page.get_by_label("Images per second").select_option("10")
    record(page, "left", 6)
    record(page, "right/../<b>", 6, key="Enter")
    shots = page.locator(".shots button")
    n = shots.count()
    shots.first.click()
    expect(shots).to_have_count(n - 1)
    press(page, f"Add these {n - 1} images")
    says(page, "in 2 classes")
    says(page, "right-..-<b>")


def test_without_permission_it_says_what_to_do(page: Page, server: Server):
    page.context.clear_permissions()
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => "
        "Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    open_camera(page, server, "Refused")
    says(page, "Allow it in the address bar")


def test_at_an_address_without_encryption_it_says_where_the_camera_works(
    page: Page, server: Server
):
    page.add_init_script(
        "Object.defineProperty(navigator, 'mediaDevices', { get: () => undefined })"
    )
    open_camera(page, server, "Unencrypted")
    says(page, "https://")
