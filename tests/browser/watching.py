"""Listens to a page: what it fetches from elsewhere, and what the browser complains about."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request
from running_server import Server

UNSENT = "Cannot send rerun backMessage when disconnected from server."


class Watch:
    """What a page did that it should not have done."""

    def __init__(self, page: Page, server: Server) -> None:
        self.faults: list[str] = []
        self.allowed = ""
        self._leaving = False
        self._page = page
        self._own = urlsplit(server.address).netloc
        page.on("console", self._heard)
        page.on("request", self._requested)
        page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))

    def reload(self) -> None:
        """Load the page anew.

        A document that is left may lose its socket while a timer of it still refreshes a part of
        the page, and Streamlit complains. At any other time the same complaint is a fault: then the
        connection broke under a page that somebody looks at.
        """
        self._leaving = True
        self._page.reload()
        self._leaving = False

    def _heard(self, message: ConsoleMessage) -> None:
        allowed = self.allowed and self.allowed in message.text
        gone = self._leaving and UNSENT in message.text
        # Opened at a page's address, Streamlit first looks for itself below that address.
        probing = re.search(r"/_stcore/(health|host-config)$", message.location.get("url", ""))
        if message.type == "error" and not (allowed or gone or probing):
            self.faults.append(f"console at {self._page.url}: {message.text}")

    def _requested(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self._own:
            self.faults.append(f"fetched {request.url}")
