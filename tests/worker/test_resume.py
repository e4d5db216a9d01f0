"""A job that ended goes on when it is asked to, from the newest of its checkpoints that is still what was stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from core.database.database import transaction
from core.jobs import requests
from core.store import storage
from core.tables import Checkpoint, Job
from tests.worker import seed
from tests.worker.processes import wait_until
from tests.worker.tasks.test_job import events, rows, uninterrupted, weights
from worker.liveness import shutdown
from worker.tasks.job import run_job


@pytest.fixture
def background() -> Iterator[Callable[[str], Future[None]]]:
    with ThreadPoolExecutor() as pool:
        yield lambda job_id: pool.submit(run_job, job_id)
        shutdown.request()
    shutdown.forget()


@pytest.fixture
def failed(version, tmp_path) -> Job:
    """Of a loss that was lost at step 13; checkpoints are those of steps 5 and 10."""
    once = {"fake/mode": "nan", "fake/at": "13", "fake/once": str(tmp_path / "once"), "fake/step_seconds": "0.03"}
    job = seed.job(version, labels=once)
    run_job(job.id)
    return seed.read(job.id)


@pytest.fixture
def cancelled(version, background) -> Job:
    """At a step after the tenth, where it stored its last checkpoint."""
    job = seed.job(version, labels={"fake/step_seconds": "0.08"})
    running = background(job.id)
    wait_until(job.id, lambda job: job.progress["step"] >= 11)
    with transaction() as session:
        requests.cancel(session, job.tenant_id, job.id)
    running.result(30)
    return seed.read(job.id)


def checkpoints(job: Job) -> list[Checkpoint]:
    return sorted(rows(Checkpoint, job_id=job.id), key=lambda row: -row.step)


def resume(job: Job) -> Job:
    with transaction() as session:
        requests.resume(session, job.tenant_id, job.id)
    run_job(job.id)
    return seed.read(job.id)


def flip_a_bit(key: str) -> None:
    content = bytearray(storage.get_bytes(key))
    content[len(content) // 2] ^= 1
    storage.put_bytes(key, bytes(content))


def cut_short(key: str) -> None:
    storage.put_bytes(key, storage.get_bytes(key)[:-1])


def remove(key: str) -> None:
    storage.delete([key])


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_ended_job_goes_on_from_its_newest_checkpoint(request, status):
    job = request.getfixturevalue(status)
    newest = checkpoints(job)[0].step
    assert job.status == status
    assert newest >= 10
    job = resume(job)
    assert job.status == "succeeded"
    assert f"continues at step {newest}" in events(job.id, "notice")[-1]["message"]
    assert weights(job) == uninterrupted()


@pytest.mark.parametrize("damage", [flip_a_bit, cut_short, remove])
def test_damaged_newest_checkpoint_is_told_of_and_the_one_before_is_taken(failed, damage):
    newest, older = checkpoints(failed)
    damage(newest.object_key)
    job = resume(failed)
    (told,) = [event for event in events(job.id, "notice") if event["code"] == "checkpoint_corrupt"]
    assert told["severity"] == "warning"
    assert told["data"] == {"id": newest.id}
    assert f"step {newest.step} is damaged" in told["message"]
    assert f"continues at step {older.step}" in events(job.id, "notice")[-1]["message"]
    assert (job.status, weights(job)) == ("succeeded", uninterrupted())


def test_job_whose_checkpoints_are_all_damaged_begins_anew_and_says_so(cancelled):
    for row in checkpoints(cancelled):
        flip_a_bit(row.object_key)
    job = resume(cancelled)
    notices = events(job.id, "notice")
    assert sum(event["code"] == "checkpoint_corrupt" for event in notices) == len(checkpoints(cancelled)) >= 2
    assert "begins" in notices[-1]["message"]
    assert (job.status, weights(job)) == ("succeeded", uninterrupted())


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_damage_in_an_s3_store_is_seen_too(failed):
    newest, *older = checkpoints(failed)  # a slow store may have but one
    flip_a_bit(newest.object_key)
    job = resume(failed)
    *_, corrupt, last = events(job.id, "notice")
    assert (corrupt["code"], corrupt["data"]) == ("checkpoint_corrupt", {"id": newest.id})
    assert (f"continues at step {older[0].step}" if older else "begins") in last["message"]
    assert (job.status, weights(job)) == ("succeeded", uninterrupted())
