"""The doorbell: a broker that went dead without a word holds up nobody who rings."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from core import queue
from tests.conftest import forget_settings
from tests.servers.redis import RedisServer
from tests.servers.wire import Wire


@pytest.fixture
def wire(environment: dict[str, str], redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    wire = Wire(redis_server.port)
    url = environment["PATCHSWAP_REDIS_URL"].replace(f":{redis_server.port}/", f":{wire.port}/")
    monkeypatch.setenv("PATCHSWAP_REDIS_URL", url)
    forget_settings()
    yield wire
    wire.close()


def test_ring_on_a_half_open_connection_takes_another_one(wire: Wire):
    assert queue.ring("worker.train", "job_1")
    wire.freeze()
    begun = time.monotonic()
    assert queue.ring("worker.train", "job_2")
    assert time.monotonic() - begun < 5
    assert queue.depth("train") == 2


def test_ring_at_a_broker_that_never_answers_gives_up_within_seconds(wire: Wire):
    assert queue.ring("worker.train", "job_1")
    wire.mode = "stall"
    begun = time.monotonic()
    assert not queue.ring("worker.train", "job_2")
    assert time.monotonic() - begun < 10
