"""What a page of another port of this computer, open in the same browser, can do to the app."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Browser
from running_server import Server

TRY = """address => new Promise(done => {
  const socket = new WebSocket(`${address}/_stcore/stream`, ["streamlit"]);
  socket.onopen = () => done("opened");
  socket.onerror = () => done("refused");
})"""


@contextmanager
def another_site() -> Iterator[str]:
    """The address of an empty page on another port."""

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_address[1]}"
        site.shutdown()


def test_a_page_of_another_port_gets_no_socket(chromium: Browser, server: Server):
    page = chromium.new_page()
    with another_site() as site:
        told = {}
        for address in (site, server.address):
            page.goto(address, wait_until="commit")
            told[address] = page.evaluate(TRY, server.address.replace("http:", "ws:"))
    page.close()
    assert told == {site: "refused", server.address: "opened"}
