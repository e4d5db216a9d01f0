"""A worker that stops while Postgres waits for it holds nobody up: each of its locks has an end of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, update

from contract.specs import ExportSpec
from core import queue
from core.database.database import transaction
from core.exports import ledger as exports
from core.jobs import ledger
from core.tables import Export, Job
from core.webhooks import requests
from tests.servers import stopping
from tests.servers.stopping import Stopping
from tests.worker import seed, sweeping
from tests.worker.processes import Worker, wait_for, wait_for_end, wait_until
from tests.worker.test_app import uninterrupted, weights
from tests.worker.test_whole_job import read
from worker.tasks.job import run_job

# Without an end of their own these locks are held until SIGCONT, which never comes here. With it: a lease of 6 s, half
# of it for a transaction, a sweeper's 2 s; the rest is the start of a worker on a busy machine.
FREE_SECONDS = 60.0


@pytest.fixture
def stop_in(version, tmp_path: Path) -> Iterator[Callable[..., tuple[Worker, Stopping]]]:
    """Starts a worker that will stop at a place."""
    with ExitStack() as ends:

        def start(place: tuple[bytes, bytes], queue_name: str = "train") -> tuple[Worker, Stopping]:
            at = ends.enter_context(Stopping(place))
            worker = Worker(queue_name, folder=tmp_path, name="stopped", variables=at.variables)
            ends.callback(worker.end)
            return worker, at

        yield start


def submit(version) -> str:
    job = seed.job(version, labels={"fake/step_seconds": "0.05"})
    assert queue.ring("worker.train", job.id)
    return job.id


@pytest.mark.parametrize(
    "place",
    ["IN_POINTS", "IN_HALF_A_STATEMENT", pytest.param("IN_CHECKPOINT", marks=pytest.mark.slow), "IN_PUBLICATION"],
)
def test_job_of_a_worker_that_stops_while_it_writes_is_taken_back(version, stop_in, start_worker, place):
    worker, at = stop_in(getattr(stopping, place))
    job_id = submit(version)
    at.wait(worker.process.pid)
    start_worker()
    job = wait_for_end(job_id, seconds=FREE_SECONDS)
    assert (job.status, job.worker, job.fence) == ("succeeded", None, 2)
    at.go_on()
    assert weights(job) == uninterrupted()


@pytest.mark.parametrize("place", [pytest.param("IN_CLAIM", marks=pytest.mark.slow), "BEFORE_CLAIMS_COMMIT"])
def test_job_of_a_tenant_starts_while_a_worker_stops_in_the_claim_of_another(version, stop_in, start_worker, place):
    worker, at = stop_in(getattr(stopping, place))
    submit(version)
    at.wait(worker.process.pid)
    start_worker()
    other = submit(version)
    wait_until(other, lambda job: job.status != "queued", seconds=FREE_SECONDS)


@pytest.mark.parametrize("place", ["IN_SWEEP", "IN_TAKING_BACK", pytest.param("IN_RINGING", marks=pytest.mark.slow)])
def test_job_is_taken_back_while_another_sweeper_stops_at_its_work(version, stop_in, start_worker, place):
    for _ in range(2):  # two messages are owed, in one pipeline
        with transaction() as session:
            url = "https://receiver.example/"
            requests.create(session, version.tenant_id, url=url, events=["*"], description=None)
    job_id = silent(version, cancelled=place == "IN_TAKING_BACK")  # which is told, unlike a return to the queue
    worker, at = stop_in(getattr(stopping, place), "sweep")
    at.wait(worker.process.pid)
    if place == "IN_RINGING":
        job_id = silent(version)
    start_worker()
    wait_for_end(job_id, seconds=FREE_SECONDS)


@pytest.mark.slow
def test_search_goes_on_while_its_driver_stops(version, stop_in, start_worker):
    sweep_id = sweeping.sweep(version)
    worker, at = stop_in(stopping.IN_TRIAL, "sweep")
    at.wait(worker.process.pid)
    start_worker()
    wait_for(lambda: sweeping.trials(sweep_id), seconds=FREE_SECONDS)


def test_export_is_made_though_a_worker_stops_with_its_row(version, stop_in, start_worker):
    job = seed.job(version)
    run_job(job.id)
    with transaction() as session:
        export = exports.submit(session, job.tenant_id, seed.read(job.id).model_id, ExportSpec(precision="int8"))
    assert queue.ring("worker.export", export.id)
    worker, at = stop_in(stopping.IN_EXPORT, "short")
    at.wait(worker.process.pid)
    start_worker("short")
    wait_for(lambda: read(Export, export.id).status == "succeeded", seconds=FREE_SECONDS)


def silent(version, *, cancelled: bool = False) -> str:
    """A job whose worker is gone."""
    job = seed.job(version)
    with transaction() as session:
        ledger.claim(session, job.id, "gone")
        past = func.now() - timedelta(seconds=1)
        asked_at = func.now() if cancelled else None
        change = {"lease_expires_at": past, "cancel_requested_at": asked_at}
        session.execute(update(Job).where(Job.id == job.id).values(**change))
    return job.id
