"""The web server reads Streamlit's options as `streamlit run` does, and each holds."""

import ast
import os
import subprocess
import sys
from pathlib import Path

from running_server import ROOT

TOLD = (
    "import webserver;"
    "webserver.run = lambda app, settings, options: print((app, options, "
    "webserver.config.get_option('server.allowedHosts'), "
    "webserver.config.get_option('server.enableXsrfProtection'), "
    "webserver.config.get_option('browser.gatherUsageStats'))) or 0;"
    "webserver.main()"
)

READY = """
import asyncio, gc, app

async def ready():
    async with app.lifespan(None):
        print(gc.get_freeze_count(), len(gc.get_objects()))

asyncio.run(ready())
"""


def test_flags_variables_and_the_project_s_file_all_hold() -> None:
    said = subprocess.run(
        [
            *(sys.executable, "-c", TOLD, "--server.address", "127.0.0.1", "--server.port", "8777"),
            *("--server.allowedHosts", "a.example", "--server.allowedHosts", "b.example"),
        ],
        cwd=ROOT,
        env=os.environ | {"STREAMLIT_SERVER_MAX_MESSAGE_SIZE": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    app, options, hosts, xsrf, usage = ast.literal_eval(said.stdout)
    assert app == "app:app"
    assert (options["host"], options["port"]) == ("127.0.0.1", 8777)
    assert options["ws_max_size"] == 7_000_000
    assert list(hosts) == ["a.example", "b.example"]
    assert xsrf is True
    assert usage is False


def test_what_streamlit_looks_through_for_garbage_after_each_run_of_a_page_is_little(
    tmp_path: Path,
) -> None:
    said = subprocess.run(
        [sys.executable, "-c", READY],
        cwd=ROOT,
        env=os.environ | {"GRAFT_HOME": str(tmp_path / "home"), "GRAFT_SERVED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    permanent, others = map(int, said.stdout.split())
    assert permanent > 50_000
    assert others < permanent / 20
