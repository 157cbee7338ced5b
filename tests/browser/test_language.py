"""The pages in the browser's language, and in the one chosen."""

import re
from collections.abc import Iterator

import pytest
from axe import is_accessible
from playwright.sync_api import Browser, Page, expect
from running_server import Server
from steps import LONG, SCORE, archive, begin, bring, says

from core.language.catalogues import LANGUAGES, catalogue

OTHERS = sorted(set(LANGUAGES) - {"en"})


@pytest.fixture(scope="module")
def project(chromium: Browser, server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The query of a project with a first score, whose classes are called like places."""
    page = chromium.new_page()
    begin(page, server, "Results")
    bring(page, archive(tmp_path_factory.mktemp("archive"), ("Use", "bars")))
    says(page, SCORE)
    (found,) = re.findall(r"project=\w+", page.url)
    page.close()
    return found


@pytest.fixture
def open_in(chromium: Browser) -> Iterator:
    contexts = []

    def opened(language: str, address: str) -> Page:
        contexts.append(chromium.new_context(locale=language))
        page = contexts[-1].new_page()
        page.set_default_timeout(LONG)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("language", OTHERS)
def test_a_browser_sees_its_own_language(open_in, server: Server, project: str, language: str):
    known = catalogue(language)
    page = open_in(f"{language}-{language.upper()}", f"{server.address}/images?{project}")
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator(".st-key-places p")).to_have_text(
        [known[place] for place in ("Images", "Train", "Results", "Use")]
    )
    expect(page).to_have_title(f"{known['Images']} · Graft")
    score = known["About {accuracy} % correct (likely {low}–{high} %)"]
    shown = re.sub(r"\\\{\w+\\\}", r"\\d+", re.escape(score))
    expect(page.get_by_text(re.compile(shown)).first).to_be_visible()
    expect(page.get_by_role("button", name=known["Try it"]).first).to_be_visible()
    is_accessible(page)


def test_what_people_named_stays_as_it_is(open_in, server: Server, project: str):
    page = open_in("de-DE", f"{server.address}/results?{project}")
    expect(page.locator(".st-key-places p").first).to_have_text(catalogue("de")["Images"])
    expect(page.locator(".where")).to_have_text("Results")
    expect(page.locator("td bdi", has_text="Use").first).to_be_visible()


def test_the_choice_overrules_the_browser_and_is_kept(open_in, server: Server, project: str):
    address = f"{server.address}/images?{project}"
    page = open_in("de-DE", address)
    first = page.locator(".st-key-places p").first
    expect(first).to_have_text(catalogue("de")["Images"])
    page.locator("select.language").select_option("en")
    expect(first).to_have_text("Images")
    page.goto(address)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(first).to_have_text("Images")


def test_a_part_that_draws_itself_is_translated_too(open_in, server: Server, project: str):
    page = open_in("fr-FR", f"{server.address}/use?{project}")
    expect(page.get_by_text(catalogue("fr")["Drop images to test"])).to_be_visible()
