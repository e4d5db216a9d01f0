"""Pushes, jobs and deletions of one dataset at the same moment, on a real Postgres."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from contract.specs import parse
from core import removals
from core.database.database import transaction
from core.datasets import ledger, references
from core.errors import DomainError
from core.jobs import requests
from core.tables import Dataset, DatasetVersion, Job
from tests.worker import seed

ROUNDS = 5


def at_once(*acts) -> list[object]:
    """What each of them gives, or the refusal it met."""
    barrier = Barrier(len(acts))

    def run(act):
        barrier.wait()
        try:
            return act()
        except DomainError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result() for future in [pool.submit(run, act) for act in acts]]


def push(tenant_id: str, name: str, content: bytes):
    upload = seed.upload(tenant_id, content)

    def act() -> str:
        with transaction() as session:
            return ledger.push(session, tenant_id, name=name, upload_id=upload.id).version.id

    return act


@pytest.mark.usefixtures("database")
def test_pushes_of_one_name_at_once_are_versions_of_one_dataset():
    tenant_id = seed.tenant()
    for turn in range(ROUNDS):
        name = f"photos-{turn}"
        ids = at_once(*(push(tenant_id, name, b"%d" % number) for number in range(4)))
        with transaction() as session:
            assert session.query(Dataset).filter_by(name=name).count() == 1
            found = session.query(DatasetVersion).filter(DatasetVersion.id.in_(ids)).all()
        assert sorted(version.number for version in found) == [1, 2, 3, 4]


@pytest.mark.usefixtures("database")
def test_the_same_bytes_pushed_at_once_are_one_version():
    tenant_id = seed.tenant()
    ids = at_once(*(push(tenant_id, "photos", b"same") for _ in range(4)))
    assert len(set(ids)) == 1


@pytest.mark.usefixtures("database")
def test_nobody_waits_for_another_in_a_circle_and_no_job_is_left_without_its_dataset():
    tenant_id = seed.tenant()
    for turn in range(ROUNDS):
        version = seed.version(tenant_id)
        with transaction() as session:
            name = session.get_one(Dataset, version.dataset_id).name

        def submit(version=version) -> str:
            with transaction() as session:
                return requests.submit(session, tenant_id, parse({"dataset": version.dataset_id})).id

        def delete(version=version) -> None:
            with transaction() as session:
                removals.delete_dataset(session, removals.hold(session, tenant_id, version.dataset_id), force=False)

        outcomes = at_once(submit, submit, delete, push(tenant_id, name, b"%d" % turn))
        with transaction() as session:
            living = session.get_one(Dataset, version.dataset_id).deleted_at is None
            jobs = session.query(Job).filter_by(dataset_version_id=version.id).count()
            assert living or jobs == 0, outcomes
            assert references.named(session, tenant_id, name) is not None
