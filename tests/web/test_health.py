"""Whether the product lives and can work, and what Prometheus is told."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from guarded_app import guarded_app
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from core.events import Failed, Finished, Note, Stopped
from core.jobs import new_job, submit
from core.jobs.lock import slot_lock
from core.jobs.tally import count_ended, tallies
from core.server.starting import prepare
from core.settings import Settings, get_settings
from core.web.health import SAYS, Readiness
from core.web.metrics import Sessions

RANK = {"dataset": "0" * 16}


@pytest.fixture
def settings(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "secret home"))
    get_settings.cache_clear()
    prepare(get_settings())
    yield get_settings()
    get_settings.cache_clear()


def sample(client: TestClient, name: str, **labels: str) -> float:
    """The value of one line of /metrics."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    (found,) = (
        each.value
        for family in families
        for each in family.samples
        if each.name == name and each.labels == labels
    )
    return found


def living_worker(settings: Settings) -> FileLock:
    """What a worker holds for as long as it lives."""
    lock = slot_lock(settings.home, "here_cpu")
    Path(lock.lock_file).parent.mkdir(exist_ok=True)
    return lock


def test_a_process_that_answers_is_alive_whatever_is_missing(tmp_path):
    with TestClient(guarded_app(Settings(home=tmp_path / "nowhere"))) as client:
        answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok")
    assert answer.headers["cache-control"] == "no-store"


def test_all_is_ready_while_a_worker_lives(client, settings):
    with living_worker(settings):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "missing": {}})


def test_without_a_worker_it_is_not_ready_and_says_what_is_missing(client):
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "missing": {"worker": "No worker is running."}}


def test_a_database_that_is_away_is_named_without_its_address_or_password(settings):
    away = "postgresql://me:hunter2@127.0.0.1:9/graft"
    away = settings.model_copy(update={"database_url": away, "queue_url": f"{away}q"})
    with TestClient(guarded_app(away)) as client, living_worker(settings):
        answer = client.get("/readyz")
        told = client.get("/metrics").text
    assert answer.json()["missing"].keys() == {"database", "queue"}
    for secret in ("hunter2", "127.0.0.1", "secret home"):
        assert secret not in answer.text + told
    assert 'graft_up{part="queue"} 0.0' in told
    assert 'graft_up{part="worker"} 1.0' in told


def test_a_home_that_is_gone_leaves_nothing_but_this_process(tmp_path):
    (tmp_path / "home").write_bytes(b"")
    with TestClient(guarded_app(Settings(home=tmp_path / "home"))) as client:
        assert client.get("/readyz").json()["missing"] == SAYS
        assert client.get("/metrics").status_code == 200


def test_however_often_somebody_asks_it_is_looked_at_every_other_second(settings):
    now = [0.0]
    readiness = Readiness(settings, clock=lambda: now[0])
    looks = []

    async def look():
        looks.append(now[0])
        return {}

    readiness._look = look

    async def ask():
        for now[0] in (0.0, 0.5, 1.9, 2.0, 3.0, 4.1):
            await readiness.parts()

    asyncio.run(ask())
    assert looks == [0.0, 2.0, 4.1]


def test_waiting_jobs_are_counted_by_queue(client):
    assert sample(client, "graft_jobs_waiting", queue="quick") == 0
    for _ in range(3):
        submit("rank", new_job(), RANK)
    assert sample(client, "graft_jobs_waiting", queue="quick") == 3
    assert sample(client, "graft_jobs_waiting", queue="training") == 0
    assert sample(client, "graft_jobs_running", queue="quick") == 0


def test_ended_jobs_are_counted_by_kind_and_outcome_with_their_seconds(client, settings):
    for event in (Finished(0.2), Finished(7.0), Finished(1e6), Failed("no"), Stopped(0, 0)):
        count_ended(settings.home, "train", event)
    count_ended(settings.home, "train", Note("no last word"))
    count_ended(settings.home, "rank", Failed("no"))
    assert sample(client, "graft_jobs_ended_total", kind="train", outcome="finished") == 3
    assert sample(client, "graft_jobs_ended_total", kind="train", outcome="failed") == 1
    assert sample(client, "graft_jobs_ended_total", kind="rank", outcome="failed") == 1
    assert sample(client, "graft_job_seconds_bucket", kind="train", le="0.5") == 1
    assert sample(client, "graft_job_seconds_bucket", kind="train", le="10.0") == 2
    assert sample(client, "graft_job_seconds_bucket", kind="train", le="14400.0") == 2
    assert sample(client, "graft_job_seconds_bucket", kind="train", le="+Inf") == 3
    assert sample(client, "graft_job_seconds_sum", kind="train") == pytest.approx(1_000_007.2)


def test_a_damaged_tally_starts_anew_and_hinders_no_job(settings):
    count_ended(settings.home, "train", Failed("no"))
    (settings.home / "tally.json").write_text('{"train": 3}')
    assert tallies(settings.home) == {}
    count_ended(settings.home, "train", Failed("no"))
    assert tallies(settings.home)["train"].failed == 1
    count_ended(settings.home / "nowhere", "train", Failed("no"))


def test_the_disk_and_this_process_are_measured(client):
    assert sample(client, "graft_disk_free_bytes") > 0
    assert sample(client, "graft_disk_used_bytes") > 0
    assert sample(client, "process_resident_memory_bytes") > 0


def test_open_pages_are_counted(client):
    async def page(_scope, _receive, _send):
        seen.append(sample(client, "graft_sessions"))

    seen: list[float] = []
    asyncio.run(Sessions(page)({"type": "websocket"}, None, None))
    asyncio.run(Sessions(page)({"type": "http"}, None, None))
    assert seen == [1, 0]
