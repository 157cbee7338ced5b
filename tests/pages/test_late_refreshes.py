"""A refresh that arrives late gives way; what Streamlit would make of it is why."""

from types import SimpleNamespace

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests

from pages.components.navigation import is_late, refuse_late_refreshes

HERE, LEFT = "results", "train"
REFRESH = ClientState(is_auto_rerun=True, fragment_id="f", page_script_hash=HERE)


def session(*waiting: RerunData) -> SimpleNamespace:
    """As far as it is looked at: one that shows the page HERE."""
    requests = ScriptRequests()
    for data in waiting:
        requests.request_rerun(data)
    return SimpleNamespace(
        _pages_manager=SimpleNamespace(current_page_script_hash=HERE),
        _scriptrunner=SimpleNamespace(_requests=requests),
    )


def test_a_move_that_waits_would_lose_its_page_to_a_late_refresh():
    """Of Streamlit itself: once it no longer does this, navigation.py may be simpler."""
    requests = ScriptRequests()
    requests.request_rerun(RerunData(page_script_hash=HERE, query_string="run=new"))
    late = RerunData(page_script_hash=LEFT, fragment_id="f", is_auto_rerun=True)
    requests.request_rerun(late)
    assert requests.on_scriptrunner_ready().rerun_data.page_script_hash == LEFT


@pytest.mark.parametrize(
    ("waiting", "asked", "late"),
    [
        ([], REFRESH, False),
        ([], ClientState(is_auto_rerun=True, page_script_hash=LEFT), True),
        ([], ClientState(page_script_hash=LEFT), False),  # a person's press is always heard
        ([RerunData(page_script_hash=HERE)], REFRESH, True),
        ([RerunData(page_script_hash=HERE)], ClientState(page_script_hash=HERE), False),
        ([RerunData(page_script_hash=HERE, fragment_id="g")], REFRESH, False),
    ],
)
def test_a_refresh_gives_way_to_another_page_and_to_a_whole_one_that_waits(waiting, asked, late):
    assert is_late(session(*waiting), asked) is late


def test_before_anything_ran_nothing_is_waited_for():
    fresh = session()
    fresh._scriptrunner = None
    assert not is_late(fresh, REFRESH)


def test_what_is_late_is_not_passed_on(monkeypatch):
    passed = []
    monkeypatch.setattr(AppSession, "request_rerun", lambda _, asked: passed.append(asked))
    refuse_late_refreshes()
    press = ClientState(page_script_hash=LEFT)
    late = ClientState(is_auto_rerun=True, page_script_hash=LEFT)
    for asked in (late, press, None, REFRESH):
        AppSession.request_rerun(session(), asked)
    assert passed == [press, None, REFRESH]
