"""GET /v1/workers."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, update

from core import workers
from core.database.database import transaction
from core.tables import Worker
from tests.api.serving import Caller

TRAINS, IMPORTS = "train-7@host-a", "short-8@host-a"


def beat(name: str, queue: str) -> None:
    with transaction() as session:
        workers.beat(session, name, queue=queue, device="cpu (x86_64, 2 threads)", release="0.2.0")


def seen_before(name: str, ago: timedelta) -> None:
    with transaction() as session:
        session.execute(update(Worker).where(Worker.name == name).values(last_seen_at=func.now() - ago))


def test_workers_are_told_without_their_host_and_silent_ones_last(ours: Caller):
    assert ours.get("/v1/workers").json()["data"] == []
    beat(IMPORTS, "short")
    beat(TRAINS, "train")
    seen_before(IMPORTS, timedelta(minutes=2))
    answer = ours.get("/v1/workers")
    assert [(one["queue"], one["online"]) for one in answer.json()["data"]] == [("train", True), ("short", False)]
    assert "host-a" not in answer.text
    beat(IMPORTS, "short")
    assert all(one["online"] for one in ours.get("/v1/workers").json()["data"])


def test_a_worker_that_was_silent_for_a_day_is_forgotten(ours: Caller):
    beat(IMPORTS, "short")
    seen_before(IMPORTS, timedelta(hours=25))
    beat(TRAINS, "train")
    assert [one["queue"] for one in ours.get("/v1/workers").json()["data"]] == ["train"]
