"""Postgres or the object store go away while a job runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import obstore
import pytest
from sqlalchemy import select

from core.database.database import engine, transaction
from core.errors import StoreUnavailable
from core.store import storage
from core.tables import Checkpoint, JobAttempt, Model
from tests.conftest import forget_settings
from tests.servers.postgres import PostgresServer
from tests.worker import seed
from tests.worker.processes import wait_until
from tests.worker.tasks.test_job import uninterrupted, weights
from worker.liveness import shutdown
from worker.tasks.job import run_job


@pytest.fixture
def background() -> Iterator[Callable[[str], Future[None]]]:
    with ThreadPoolExecutor() as pool:
        yield lambda job_id: pool.submit(run_job, job_id)
        shutdown.request()
    shutdown.forget()


def attempts(job_id: str) -> list[str | None]:
    with transaction() as session:
        return list(session.scalars(select(JobAttempt.outcome).where(JobAttempt.job_id == job_id)))


@pytest.fixture
def crash_postgres(postgres_server: PostgresServer) -> Iterator[Callable[[float], None]]:
    """`kill -9`, and a start so many seconds later.

    Recovery has the log of this test to replay, not that of all tests before it, which took longer than a lease.
    """

    def crash(seconds: float) -> None:
        postgres_server.checkpoint()
        postgres_server.kill()
        time.sleep(seconds)
        postgres_server.start()

    yield crash
    engine().dispose()


def test_outage_of_postgres_within_a_lease_does_not_interrupt_the_training(
    version, background, crash_postgres, monkeypatch
):
    monkeypatch.setenv("PATCHSWAP_LEASE_SECONDS", "50")  # how long Postgres takes to start is not ours to say
    forget_settings()
    job = seed.job(version, labels={"fake/step_seconds": "0.15"})
    background(job.id)
    wait_until(job.id, lambda job: job.progress["step"] >= 3)
    crash_postgres(0.2)
    job = wait_until(job.id, lambda job: job.status == "succeeded")
    assert attempts(job.id) == ["succeeded"]
    assert weights(job) == uninterrupted()


def test_outage_longer_than_the_lease_stops_the_trainer_and_loses_no_step(version, background, crash_postgres):
    job = seed.job(version, labels={"fake/step_seconds": "0.4", "fake/checkpoint_steps": "100"})
    running = background(job.id)
    wait_until(job.id, lambda job: job.progress["step"] >= 3)
    crash_postgres(7)
    job = wait_until(job.id, lambda job: job.status == "queued")
    running.result(30)
    assert attempts(job.id) == ["lease"]
    assert job.attempts == 0
    with transaction() as session:
        (checkpoint,) = session.scalars(select(Checkpoint).where(Checkpoint.job_id == job.id))
    assert 3 <= checkpoint.step < seed.STEPS
    background(job.id)
    job = wait_until(job.id, lambda job: job.status == "succeeded")
    assert weights(job) == uninterrupted()


def test_store_that_is_away_for_a_while_delays_the_publication(version, monkeypatch):
    refusals = []
    put_file = storage.put_file

    def refuse_thrice(*arguments, **options):
        if len(refusals) < 3:
            refusals.append(arguments)
            raise StoreUnavailable("away")
        return put_file(*arguments, **options)

    monkeypatch.setattr(storage, "put_file", refuse_thrice)
    monkeypatch.setattr("worker.claims.lease.STORE_PAUSE_SECONDS", 0.1)
    job = seed.job(version, labels={"fake/checkpoint_steps": "100"})
    run_job(job.id)
    assert seed.read(job.id).status == "succeeded"
    assert len(refusals) == 3


def test_store_that_is_away_beyond_the_stall_limit_costs_a_trained_job_nothing(version, monkeypatch):
    put_file, away_from = storage.put_file, []

    def refuse_for_ten_seconds(*arguments, **options):
        away_from.append(time.monotonic())
        if time.monotonic() < away_from[0] + 10:
            raise StoreUnavailable("away")
        return put_file(*arguments, **options)

    monkeypatch.setattr(storage, "put_file", refuse_for_ten_seconds)
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "6")
    forget_settings()
    job = seed.job(version, labels={"fake/checkpoint_steps": "100"})
    run_job(job.id)
    assert seed.read(job.id).status == "succeeded"
    assert attempts(job.id) == ["succeeded"]


@pytest.mark.slow
def test_slow_store_is_waited_for_as_long_as_something_moves(version, monkeypatch):
    """Each request takes a good part of the stall limit, and all of them together several times as much."""
    put, head, get_range = obstore.put, obstore.head, obstore.get_range

    def slowly(request):
        def answer(*arguments, **options):
            time.sleep(1.5)
            return request(*arguments, **options)

        return answer

    for name, request in {"put": put, "head": head, "get_range": get_range}.items():
        monkeypatch.setattr(obstore, name, slowly(request))
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "6")
    forget_settings()
    job = seed.job(version, labels={"fake/checkpoint_steps": "100"})
    begun = time.monotonic()
    run_job(job.id)
    assert seed.read(job.id).status == "succeeded"
    assert attempts(job.id) == ["succeeded"]
    assert time.monotonic() - begun > 12


def test_store_that_stays_away_gives_the_job_back_uncounted(version, monkeypatch):
    def refuse(*_arguments, **_options):
        raise StoreUnavailable("away")

    monkeypatch.setattr(storage, "put_file", refuse)
    monkeypatch.setattr("worker.tasks.job.PUBLISH_STALL_LIMITS", 1)
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "8")
    forget_settings()
    job = seed.job(version, labels={"fake/checkpoint_steps": "100"})
    run_job(job.id)
    job = seed.read(job.id)
    assert (job.status, job.attempts) == ("queued", 0)
    assert attempts(job.id) == ["object_store_unavailable"]
    with transaction() as session:
        assert not list(session.scalars(select(Model)))


def test_claim_while_postgres_is_away_is_left_to_the_sweeper(version, postgres_server):
    job = seed.job(version)
    postgres_server.kill()
    try:
        run_job(job.id)
    finally:
        postgres_server.start()
        engine().dispose()
    assert (seed.read(job.id).status, seed.read(job.id).total_attempts) == ("queued", 0)
