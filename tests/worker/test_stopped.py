"""A worker that stops while Postgres waits for it holds nobody up: each of its locks has an end of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core import queue
from tests.worker import seed, stopping
from tests.worker.processes import wait_for_end, wait_until
from tests.worker.stopping import Stopped
from tests.worker.test_app import uninterrupted, weights

TAKEN_BACK_SECONDS = 20.0  # lease 6 s, a transaction half of it; the rest is the training and a busy machine


@pytest.fixture
def stop_at(version, tmp_path: Path) -> Iterator[Callable[..., Stopped]]:
    with ExitStack() as ends:

        def start(place: tuple[bytes, bytes], queue: str = "train") -> Stopped:
            return ends.enter_context(stopping.stopped(tmp_path, place, queue))()

        yield start


def submit(version) -> str:
    job = seed.job(version, labels={"fake/step_seconds": "0.05"})
    assert queue.ring("worker.train", job.id)
    return job.id


@pytest.mark.parametrize("place", ["IN_POINTS", "IN_HALF_A_STATEMENT", "IN_PUBLICATION"])
def test_job_of_a_worker_that_stops_while_it_writes_is_taken_back(version, stop_at, start_worker, place):
    first = stop_at(getattr(stopping, place))
    job_id = submit(version)
    first.wait()
    start_worker()
    job = wait_for_end(job_id, seconds=TAKEN_BACK_SECONDS)
    assert (job.status, job.worker, job.fence) == ("succeeded", None, 2)
    first.go_on()
    assert weights(job) == uninterrupted()


@pytest.mark.parametrize("place", ["IN_CLAIM", "BEFORE_CLAIMS_COMMIT"])
def test_job_of_a_tenant_starts_while_a_worker_stops_in_the_claim_of_another(version, stop_at, start_worker, place):
    first = stop_at(getattr(stopping, place))
    submit(version)
    first.wait()
    start_worker()
    other = submit(version)
    wait_until(other, lambda job: job.status != "queued", seconds=8)
