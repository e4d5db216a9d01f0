"""A model that teaches stays as long as it is needed; a job whose teacher went does not run into the void."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import text

from contract.specs import SpecInvalid, parse
from core.database.database import transaction
from core.errors import InUse, TeacherGone
from core.jobs import requests
from core.tables import DatasetVersion, Job, Model
from tests.api import made
from tests.worker import seed


@pytest.fixture
def version(database: str) -> DatasetVersion:
    return seed.version(seed.tenant())


@pytest.fixture
def taught(version: DatasetVersion) -> tuple[Job, Model]:
    """A job that succeeded, and its model."""
    job, model, _ = made.published_job(version, control=False)
    return job, model


def body(version: DatasetVersion, model: Model) -> dict:
    return {"dataset": version.id, "method": {"name": "kd", "teacher": model.id}}


def write(verb: Callable, *arguments):
    with transaction() as session:
        return verb(session, *arguments)


@pytest.mark.parametrize("status", ["queued", "running", "paused"])
def test_teacher_of_a_job_that_may_still_run_is_not_deleted(version, taught, status):
    job, model = taught
    if status == "running":
        pupil, _ = made.running_job(version, method={"name": "kd", "teacher": model.id})
    else:
        pupil = seed.job(version, method={"name": "kd", "teacher": model.id})
    if status == "paused":
        write(requests.pause, job.tenant_id, pupil.id)
    with pytest.raises(InUse, match=rf"Job {pupil.id} needs model \w+ as its teacher\. Cancel that job"):
        write(requests.delete, job.tenant_id, job.id)
    assert seed.read(job.id).model_id == model.id


@pytest.mark.parametrize("verb", ["resume", "retry"])
def test_ended_pupil_holds_nobody_back_and_cannot_go_on_without_its_teacher(version, taught, verb):
    job, model = taught
    pupil = made.ended_job(version, "cancelled", method={"name": "kd", "teacher": model.id})
    write(requests.delete, job.tenant_id, job.id)
    with pytest.raises(TeacherGone):
        write(getattr(requests, verb), pupil.tenant_id, pupil.id)
    assert seed.read(pupil.id).status == "cancelled"
    changed = write(requests.clone, pupil.tenant_id, pupil.id, {"method": {"name": "cross_entropy"}})
    assert write(requests.submit, pupil.tenant_id, parse(changed)).status == "queued"


@pytest.mark.parametrize("verb", ["resume", "retry"])
def test_ended_pupil_goes_on_while_its_teacher_is_there(version, taught, verb):
    pupil = made.ended_job(version, "failed", method={"name": "kd", "teacher": taught[1].id})
    assert write(getattr(requests, verb), pupil.tenant_id, pupil.id).status == "queued"


def test_pupil_submitted_while_its_teacher_is_deleted_finds_none(version, taught):
    job, model = taught
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            requests.delete(session, job.tenant_id, job.id)
            other = pool.submit(write, requests.submit, job.tenant_id, parse(body(version, model)))
            wait_for_a_lock(other)
        with pytest.raises(SpecInvalid, match="no model by this id"):
            other.result()


def test_teacher_deleted_while_a_pupil_is_submitted_stays(version, taught):
    job, model = taught
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            requests.submit(session, job.tenant_id, parse(body(version, model)))
            other = pool.submit(write, requests.delete, job.tenant_id, job.id)
            wait_for_a_lock(other)
        with pytest.raises(InUse):
            other.result()


def wait_for_a_lock(other: Future) -> None:
    """Until some session waits for another one's lock; `other` must not end before."""
    pause = threading.Event()
    deadline = time.monotonic() + 30
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    while not write(lambda session: session.scalars(waiting).one()):
        assert not other.done(), other.exception()
        assert time.monotonic() < deadline
        pause.wait(0.02)
