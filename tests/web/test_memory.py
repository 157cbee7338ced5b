"""The web process stays small while images stream through it.

The figure for 300 images of 3 MB:
    GRAFT_TEST_UPLOAD_MB=3 python -m pytest tests/web/test_memory.py -s
"""

import http.client
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from running_server import COLD, Server, running

from core.settings import MiB
from core.web.uploads import open_upload, received, upload_folder

FILES = 300
SIZE = int(float(os.environ.get("GRAFT_TEST_UPLOAD_MB", "1")) * MiB)
MOST_GROWTH = 100 * 1000 * 1000


def send(server: Server, upload: str, numbers: range) -> None:
    host = server.address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=180)
    body = os.urandom(SIZE)
    for n in numbers:
        headers = {"Origin": server.address, "X-Graft-Name": f"class/{n}.jpg"}
        connection.request("PUT", f"/graft/upload/{upload}/{n}", body, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    connection.close()


def test_three_hundred_images_do_not_grow_the_web_process_by_more_than_100_mb(tmp_path: Path):
    with running(tmp_path / "home", **COLD) as server:
        upload = open_upload(server.home)
        before = server.web.memory_info().rss
        with ThreadPoolExecutor(3) as browser:  # as many at once as the page sends
            list(browser.map(lambda k: send(server, upload, range(k, FILES, 3)), range(3)))
        growth = server.web.memory_info().rss - before
        assert len(received(upload_folder(server.home, upload))) == FILES
    figures = f"{before / 1e6:.0f} MB, grew by {growth / 1e6:.1f} MB"
    sys.stdout.write(f"\n{FILES} x {SIZE / 1e6:.1f} MB: web process {figures}\n")
    assert growth < MOST_GROWTH
