"""Events as a list, as a long poll, as a stream."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest

from api.routes import events as routes
from core.database.database import transaction
from core.jobs import ledger
from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller


def test_events_are_paged_by_seq(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    made.events(claim, 50)
    found: list[dict] = []
    path = f"/v1/jobs/{job.id}/events?limit=20"
    while path:
        page = ours.get(path).json()
        found += page["data"]
        assert page["last_id"] == str(found[-1]["seq"])
        path = page["next"]
    latest = ours.get(f"/v1/jobs/{job.id}").json()["latest_event_seq"]
    assert [event["seq"] for event in found] == list(range(1, latest + 1))


def test_events_of_some_types(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    made.events(claim, 3)
    page = ours.get(f"/v1/jobs/{job.id}/events?types=status,attempt").json()
    assert [event["type"] for event in page["data"]] == ["status", "attempt", "status"]


def test_long_poll_answers_with_the_next_event(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    latest = ours.get(f"/v1/jobs/{job.id}").json()["latest_event_seq"]
    threading.Timer(0.5, lambda: made.events(claim, 2)).start()
    began = time.monotonic()
    page = ours.get(f"/v1/jobs/{job.id}/events?after={latest}&wait=20").json()
    assert 0.4 < time.monotonic() - began < 5
    assert [event["seq"] for event in page["data"]] == [latest + 1, latest + 2]


def test_long_poll_ends_without_events_when_time_is_up(ours: Caller, version: DatasetVersion):
    job, _ = made.running_job(version)
    began = time.monotonic()
    page = ours.get(f"/v1/jobs/{job.id}/events?after=1000&wait=0.5").json()
    assert page["data"] == []
    assert 0.4 < time.monotonic() - began < 5


def test_long_poll_on_a_job_that_is_over_does_not_wait(ours: Caller, version: DatasetVersion):
    job = made.ended_job(version)
    began = time.monotonic()
    assert ours.get(f"/v1/jobs/{job.id}/events?after=1000&wait=20").json()["data"] == []
    assert time.monotonic() - began < 5


def test_stream_gives_every_event_once_and_ends_with_the_job(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    made.events(claim, 450)  # more than the tail keeps, more than one read gives

    def work() -> None:
        for _ in range(5):
            made.events(claim, 60)
        with transaction() as session:
            ledger.end(session, claim, "failed", reason="end of test")

    threading.Timer(0.3, work).start()
    found = list(stream(ours, f"/v1/jobs/{job.id}/events/stream"))
    assert [kind for kind, *_ in found][-2:] == ["status", "end"]
    seqs = [int(identity) for _, identity, _ in found[:-1]]
    assert seqs == list(range(1, 3 + 450 + 300 + 2))
    assert json.loads(found[-2][2])["data"]["status"] == "failed"


def test_stream_goes_on_where_the_client_left_it(ours: Caller, version: DatasetVersion):
    job = made.ended_job(version)
    path = f"/v1/jobs/{job.id}/events/stream"
    whole = list(stream(ours, path))
    rest = list(stream(ours, path, {"Last-Event-ID": "2"}))
    assert rest == whole[2:]
    assert list(stream(ours, f"{path}?after=2")) == rest


def test_progress_comes_between_the_events_without_a_place_among_them(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)

    def work() -> None:
        for step in (1, 2):
            made.progress(claim, step=step, steps=4, loss=0.5, updated_at=f"2026-01-01T00:00:0{step}+00:00")
            time.sleep(0.6)  # two looks of the tail
        with transaction() as session:
            ledger.end(session, claim, "failed", reason="end of test")

    threading.Timer(0.3, work).start()
    found = list(stream(ours, f"/v1/jobs/{job.id}/events/stream"))
    live = [json.loads(data) for kind, _, data in found if kind == "progress"]
    assert [(event["data"]["step"], event["data"]["loss"], event["live"]) for event in live] == [
        (1, 0.5, True),
        (2, 0.5, True),
    ]
    assert {event["seq"] for event in live} == {3}
    assert all(identity == "" for kind, identity, _ in found if kind == "progress")
    kept = ours.get(f"/v1/jobs/{job.id}/events?limit=200").json()["data"]
    assert [identity for kind, identity, _ in found if kind not in ("progress", "end")] == [str(e["seq"]) for e in kept]
    assert not any(kind == "progress" for kind, _, _ in stream(ours, f"/v1/jobs/{job.id}/events/stream"))


def test_many_watchers_of_one_job_see_the_same(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    results: list[list] = [[] for _ in range(10)]

    def watch(index: int) -> None:
        results[index] = list(stream(ours, f"/v1/jobs/{job.id}/events/stream"))

    threads = [threading.Thread(target=watch, args=[index]) for index in range(10)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        made.events(claim, 7)
        time.sleep(0.1)
    with transaction() as session:
        ledger.end(session, claim, "cancelled", reason="end of test")
    for thread in threads:
        thread.join(20)
    assert len(results[0]) == 3 + 35 + 1 + 1
    assert all(result == results[0] for result in results)


def test_silent_stream_sends_heartbeats(ours: Caller, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(routes, "HEARTBEAT_SECONDS", 0.3)
    job, _ = made.running_job(version)
    with ours.http.stream("GET", f"/v1/jobs/{job.id}/events/stream?after=1000") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        lines = response.iter_lines()
        heartbeats = [line for line, _ in zip((line for line in lines if line), range(4), strict=False)]
    assert heartbeats == [": open", ": heartbeat", ": heartbeat", ": heartbeat"]


@pytest.mark.parametrize("value", ["x", "-1", "9" * 30, "\u0661"])
def test_odd_last_event_id_is_refused(ours: Caller, version: DatasetVersion, value: str):
    job, _ = made.running_job(version)
    answer = ours.get(f"/v1/jobs/{job.id}/events/stream", headers={"Last-Event-ID": value.encode()})
    assert answer.status_code == 422


def stream(ours: Caller, path: str, headers: dict | None = None) -> Iterator[tuple[str, str, str]]:
    """(event, id, data) until the server ends the stream."""
    with ours.http.stream("GET", path, headers=headers or {}) as response:
        assert response.status_code == 200
        message: dict[str, str] = {}
        for line in response.iter_lines():
            if not line and message:
                yield message.get("event", ""), message.get("id", ""), message.get("data", "")
                message = {}
            elif line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                message[name] = value
