"""What axe-core says of a page, in each look of the product."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Page, expect
from steps import settled

WIDE, NARROW = (1440, 900), (390, 844)
LOOKS = (("light", WIDE), ("light", NARROW), ("dark", NARROW), ("dark", WIDE))
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""By the tags that axe-core gives them."""
OF_COLOUR = ["color-contrast", "link-in-text-block"]
"""All that a theme can break: it has the same elements as the other."""
NOT_OURS = {
    # An open list or menu is put at the end of the body, beside the landmarks, and closes at once
    # when it is left: nobody comes upon it while reading.
    ("region", 'role="listbox"'),
    ("region", 'data-testid="stMainMenuList"'),
    ("region", "Made with Streamlit"),
}
"""What only Streamlit's own markup causes: rule, and a part of its element."""

_SCRIPT = Path(AXE_FILE_PATH).read_text(encoding="utf-8")
_AT_ONCE = """() => {
  const sheet = window.atOnce ??= new CSSStyleSheet();
  sheet.replaceSync(`* { transition: none !important; animation: none !important; }
    [data-stale="true"] { opacity: 1 !important; }`);
  const still = (root) => {
    if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
    for (const each of root.querySelectorAll("*")) if (each.shadowRoot) still(each.shadowRoot);
  };
  still(document);
}"""
"""No colour is on its way to another, also inside our own parts, and nothing that is drawn anew is
pale: a part that renews itself every second on a slow machine would be so nearly always."""
TRIES = 5
"""While a page is drawn anew, what is left of it is pale: what breaks a rule is looked at again."""
_RUN = """([type, values]) => axe.run({ runOnly: { type, values }, resultTypes: ["violations"] })
  .then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map((node) => ({
    rule: id, where: node.target.flat(9).join(" "), html: node.html.slice(0, 400),
    why: [...node.any, ...node.all, ...node.none].map((each) => each.message).join(" ") }))))"""


def look(page: Page, scheme: str, size: tuple[int, int]) -> None:
    """Show the page in this theme and size."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    expect(page.locator(".stApp")).to_have_css("color-scheme", scheme)
    settled(page)
    page.evaluate(_AT_ONCE)


def is_accessible(page: Page, act: Callable[[Page], object] | None = None, over: str = "") -> None:
    """No rule is broken in any look; `act` opens what lies `over` the page, again if it closed."""
    found = []
    for scheme, size in LOOKS:
        look(page, scheme, size)
        if act and not page.locator(over).filter(visible=True).count():
            act(page)
            expect(page.locator(over).filter(visible=True).first).to_be_visible()
        broken = violations(page, colours_only=scheme == "dark")
        found += [each | {"look": f"{scheme} {size[0]}"} for each in broken]
    assert not found, say(found)


def violations(page: Page, *, colours_only: bool = False) -> list[dict[str, Any]]:
    """All that breaks a rule and stays so, but for what is not ours; and a page without a title."""
    rules = ("rule", OF_COLOUR) if colours_only else ("tag", RULES)
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_SCRIPT)
    found: list[dict[str, Any]] = []
    for _ in range(TRIES):
        found = [each for each in page.evaluate(_RUN, rules) if _is_ours(each)]
        if not found:
            break
        settled(page)
    if not page.locator("h1").filter(visible=True).count():
        found.append({"rule": "no h1", "where": page.url})
    return found


def _is_ours(found: dict[str, Any]) -> bool:
    return not any(found["rule"] == rule and part in found["html"] for rule, part in NOT_OURS)


def say(found: list[dict[str, Any]]) -> str:
    """One line each, for the message of a test that fails."""
    return "\n".join(json.dumps(each, ensure_ascii=False) for each in found)
