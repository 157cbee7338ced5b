"""What has to be settled about people before anything is served."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_accounts import PASSWORD, home_with_people, quick_hashes
from pydantic import SecretStr
from running_server import ROOT

from core.errors import CannotStart
from core.people import links
from core.people.addresses import link
from core.server import launch
from core.server.login import require_login, set_up_address
from core.settings import Settings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", None, "192.0.2.1", "graft.invalid"])
def test_without_a_login_it_listens_on_this_machine_alone(tmp_path: Path, host: str | None):
    with pytest.raises(CannotStart, match="GRAFT_LOGIN=password"):
        require_login(Settings(home=tmp_path), host)
    require_login(Settings(home=tmp_path, login="password"), host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "[::1]", "localhost"])
def test_on_this_machine_nobody_needs_to_sign_in(tmp_path: Path, host: str):
    require_login(Settings(home=tmp_path), host)


@pytest.mark.parametrize("start", [["-m", "core", "serve"], ["-m", "streamlit", "run", "app.py"]])
def test_neither_way_to_start_it_opens_it_to_all(tmp_path: Path, start: list[str]):
    told = {"GRAFT_HOME": str(tmp_path), "GRAFT_HOST": "0.0.0.0"}
    address = ["--server.address", "0.0.0.0"] if "streamlit" in start else []
    done = subprocess.run(
        [sys.executable, *start, *address],
        cwd=ROOT,
        env=os.environ | told,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode != 0
    assert "GRAFT_LOGIN=password" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        ({"login": "proxy"}, "GRAFT_PROXY_SECRET"),
        ({"login": "proxy", "proxy_secret": SecretStr("x" * 31)}, "at least 32"),
        ({"login": "oidc", "oidc_issuer": "https://i.example"}, "GRAFT_OIDC_CLIENT_ID and GRAFT_"),
    ],
)
def test_what_is_lacking_is_named(tmp_path: Path, given: dict, lacking: str):
    with pytest.raises(CannotStart, match=lacking):
        require_login(Settings(home=tmp_path, **given), "127.0.0.1")


def test_secrets_reach_the_processes_that_need_them_and_no_log(tmp_path: Path):
    settings = Settings(home=tmp_path, proxy_secret=SecretStr("p" * 32))
    assert launch._environment(settings)["GRAFT_PROXY_SECRET"] == "p" * 32
    assert "ppp" not in repr(settings)
    assert "ppp" not in settings.model_dump_json()


def test_the_link_that_is_printed_is_under_the_public_address_and_only_until_it_was_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    quick_hashes(monkeypatch)
    more = {"public_address": "https://graft.example.org/"}
    with home_with_people(tmp_path, monkeypatch, **more) as settings:
        printed = set_up_address(settings)
        start = "https://graft.example.org/graft/sign-in/set-up/"
        assert start in printed
        links.use(printed.partition(start)[2].strip(), PASSWORD, "Anna")
        assert set_up_address(settings) == ""
        assert set_up_address(settings.model_copy(update={"login": "oidc"})) == ""


@pytest.mark.parametrize("named", ["https://example.org/team/", "https://example.org"])
def test_printed_links_lead_below_the_path(named: str) -> None:
    settings = Settings(path="/team", public_address=named)
    assert link(settings, "set-up", "abc") == "https://example.org/team/graft/sign-in/set-up/abc"
    assert link(Settings(path="/team"), "x", "y").endswith(":8501/team/graft/sign-in/x/y")
