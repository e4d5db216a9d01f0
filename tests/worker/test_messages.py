"""Messages that nobody of ours wrote, in the real Redis of a real worker: nothing is run, and the worker goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import redis
from celery import Celery

from core import queue
from tests.worker import seed
from tests.worker.processes import wait_for, wait_for_end


class Harmful:
    """Unpickled, it would make the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.fixture
def forger(redis_url: str) -> Celery:
    """A program that may write to the broker and knows no rules."""
    app = Celery("forger", broker=redis_url)
    options = queue.celery_app().conf
    app.conf.update(
        task_serializer="pickle",
        accept_content=["pickle", "json", "yaml"],
        task_queues=options.task_queues,
        broker_transport_options=options.broker_transport_options,
    )
    return app


def test_forged_messages_are_dropped_and_the_worker_takes_the_next_job(
    version, start_worker, forger: Celery, redis_url: str, tmp_path: Path
):
    worker = start_worker()
    canary = tmp_path / "canary"
    harmful = Harmful(canary)
    forger.send_task("worker.train", args=[harmful], queue="train", serializer="pickle")
    forger.send_task("worker.train", kwargs={"job_id": harmful}, queue="train", serializer="pickle")
    forger.send_task("os.system", args=[f"touch {canary}"], queue="train", serializer="json")
    forger.send_task("celery.backend_cleanup", queue="train", serializer="json")
    forger.send_task("worker.train", args=["x" * 5_000_000], queue="train", serializer="json")
    forger.send_task("worker.train", args=[{"job": 1}], queue="train", serializer="json")
    forger.send_task("worker.train", args=["job_1", "job_2"], queue="train", serializer="json")
    forger.send_task("worker.train", args=["' OR 1=1 --\x00"], queue="train", serializer="json")
    job = seed.job(version)
    assert queue.ring("worker.train", job.id)
    assert wait_for_end(job.id).status == "succeeded"
    wait_for(lambda: queue.depth("train") == 0)
    assert worker.process.poll() is None
    assert not canary.exists()
    log = worker.log.read_text()
    assert "Refusing to deserialize" in log or "ContentDisallowed" in log
    assert "only-for-tests" not in log  # Redis' password


@pytest.mark.parametrize(
    "raw", [pytest.param(b"\x80\x04garbage", marks=pytest.mark.slow), b'{"body": "x", "headers": 3}']
)
def test_bytes_that_are_no_message_are_gone_when_the_worker_is_started_again(
    version, start_worker, redis_url: str, raw: bytes
):
    """Kombu cannot read them, and Celery ends its worker in order; what keeps workers running starts it again."""
    worker = start_worker()
    with redis.Redis.from_url(redis_url) as client:
        client.lpush("patchswap:train", raw)
    wait_for(lambda: queue.depth("train") == 0)
    job = seed.job(version)
    queue.ring("worker.train", job.id)
    worker.terminate()
    start_worker()
    assert wait_for_end(job.id).status == "succeeded"
