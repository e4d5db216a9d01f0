"""Workers as processes: rung over Celery and Redis, asked to stop, killed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from importlib.metadata import version as release_of

import psutil
import pytest
from sqlalchemy import select

from core import queue, request_id
from core.database.database import transaction
from core.store import storage
from core.tables import Export, Job, JobAttempt, JobLogLine, Model, Worker
from tests.worker import seed
from tests.worker.processes import wait_for, wait_for_end, wait_until

# Steps that a test can interrupt; no checkpoint unless asked to stop.
SLOW = {"fake/step_seconds": "0.2", "fake/checkpoint_steps": "100"}


def submit(version, **labels: str) -> Job:
    job = seed.job(version, labels=labels)
    assert queue.ring("worker.train", job.id)
    return job


def attempts(job: Job) -> list[tuple[str, str | None]]:
    with transaction() as session:
        rows = session.scalars(select(JobAttempt).where(JobAttempt.job_id == job.id).order_by(JobAttempt.number))
        return [(row.worker, row.outcome) for row in rows]


def weights(job: Job) -> str:
    with transaction() as session:
        return session.scalars(select(Model.weights_sha256).where(Model.job_id == job.id)).one()


def uninterrupted() -> str:
    state = b"main"
    for step in range(1, seed.STEPS + 1):
        state = hashlib.sha256(state + step.to_bytes(4, "big")).digest()
    return hashlib.sha256(state).hexdigest()


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_job_rung_over_celery_is_published_on_s3(version, start_worker):
    start_worker()
    job = wait_for_end(submit(version).id)
    assert job.status == "succeeded"
    with transaction() as session:
        export = session.scalars(select(Export)).one()
    assert hashlib.sha256(storage.get_bytes(export.object_key)).hexdigest() == export.sha256


@pytest.mark.slow
def test_log_of_a_killed_worker_stays(version, start_worker):
    worker = start_worker()
    job = submit(version, **SLOW)

    def lines() -> list[str]:
        with transaction() as session:
            return list(session.scalars(select(JobLogLine.text).where(JobLogLine.job_id == job.id)))

    wait_for(lambda: any("begins on cpu" in line for line in lines()))
    before = lines()
    worker.process.kill()
    worker.process.wait()
    assert lines()[: len(before)] == before
    start_worker()
    wait_for(lambda: "attempt 2 of this job" in lines())
    assert lines()[: len(before)] == before


def test_log_of_the_worker_names_the_request_that_queued_the_job(version, start_worker):
    worker = start_worker()
    token = request_id.request_id.set("request-of-a-customer")
    job = submit(version)
    request_id.request_id.reset(token)
    wait_for_end(job.id)
    lines = [json.loads(line) for line in worker.log.read_text().splitlines() if line.startswith("{")]
    assert {line["request_id"] for line in lines if line.get("job") == job.id} == {"request-of-a-customer"}


def test_sigterm_hands_the_job_to_another_worker_with_no_step_lost(version, start_worker):
    first = start_worker()
    job = submit(version, **SLOW)
    wait_until(job.id, lambda job: job.progress["step"] >= 4)
    assert first.terminate(seconds=20) == 0
    assert seed.read(job.id).status == "queued"
    assert seed.read(job.id).attempts == 0
    start_worker()
    assert wait_for_end(job.id).status == "succeeded"
    assert attempts(job) == [("worker-0", "shutdown"), ("worker-1", "succeeded")]
    assert weights(job) == uninterrupted()


def test_sigterm_to_the_whole_group_loses_no_step_either(version, start_worker):
    worker = start_worker()
    job = submit(version, **SLOW)
    wait_until(job.id, lambda job: job.progress["step"] >= 3)
    os.killpg(worker.process.pid, signal.SIGTERM)
    worker.process.wait(20)
    job = seed.read(job.id)
    assert (job.status, job.attempts) == ("queued", 0)


def test_kill_9_of_a_worker_ends_its_trainer_and_another_worker_finishes(version, start_worker):
    first = start_worker()
    job = submit(version, **SLOW | {"fake/checkpoint_steps": "4"})
    wait_until(job.id, lambda job: job.progress["step"] >= 10)
    below = wait_for(first.descendants)
    assert wait_for(first.trainers)
    first.kill()
    _, alive = psutil.wait_procs(below, timeout=2)
    assert not [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    start_worker()
    assert wait_for_end(job.id).status == "succeeded"
    assert attempts(job) == [("worker-0", "worker_lost"), ("worker-1", "succeeded")]
    assert weights(job) == uninterrupted()


def test_kill_9_of_the_task_process_leaves_a_worker_that_takes_the_next_job(version, start_worker):
    worker = start_worker()
    job = submit(version, **SLOW)
    wait_until(job.id, lambda job: job.progress["step"] >= 2)
    (trainer,) = worker.trainers()
    trainer.parent().kill()
    assert wait_for_end(job.id).status == "succeeded"
    assert attempts(job) == [("worker-0", "worker_lost"), ("worker-0", "succeeded")]


def test_ten_messages_for_one_job_are_one_claim(version, start_worker):
    start_worker()
    start_worker()
    job = submit(version)
    for _ in range(9):
        queue.ring("worker.train", job.id)
    assert wait_for_end(job.id).status == "succeeded"
    wait_for(lambda: queue.depth("train") == 0)
    assert seed.read(job.id).total_attempts == 1


def test_message_is_off_the_broker_before_the_training_begins(version, start_worker):
    """One kept until the end would be given out again after `visibility_timeout`, and after each loss of a worker."""
    start_worker()
    job = submit(version, **SLOW)
    wait_until(job.id, lambda job: job.progress["step"] >= 1)
    assert queue.depth("train") == 0
    assert queue.broker().hlen(f"{queue.KEY_PREFIX}unacked") == 0


def test_segfault_leaves_the_worker_alive_for_the_next_job(version, start_worker):
    worker = start_worker()
    poison = submit(version, **{"fake/mode": "segfault"})
    healthy = submit(version)
    assert wait_for_end(poison.id).error["code"] == "poison"
    assert wait_for_end(healthy.id).status == "succeeded"
    assert seed.read(poison.id).total_attempts == 3
    assert worker.process.poll() is None


def test_job_submitted_while_redis_is_down_runs_once_it_is_back(version, start_worker, redis_server):
    start_worker()
    redis_server.stop()
    try:
        job = seed.job(version)
        assert queue.ring("worker.train", job.id) is False
    finally:
        redis_server.start()
    assert wait_for_end(job.id).status == "succeeded"


def test_a_worker_says_what_it_takes_and_on_what(start_worker):
    start_worker()
    (found,) = wait_for(worker_rows)
    assert (found.queue, found.release) == ("train", release_of("patchswap"))
    assert found.device.startswith("cpu (")


def worker_rows() -> list[Worker]:
    with transaction() as session:
        return list(session.scalars(select(Worker)))


def test_idle_worker_ends_at_once_and_leaves_no_process_behind(version, start_worker):
    worker = start_worker()
    below = wait_for(lambda: found if len(found := worker.descendants()) >= 2 else None)  # the sweeper among them
    assert worker.terminate(seconds=15) == 0
    _, alive = psutil.wait_procs(below, timeout=10)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]
