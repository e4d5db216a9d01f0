"""`Idempotency-Key`: one effect, one answer, however often and however simultaneously it is sent."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.worker import seed

KEY = {"Idempotency-Key": "one"}


def test_repetition_has_the_stored_answer(ours: Caller, version: DatasetVersion):
    first = ours.post("/v1/jobs", {"dataset": version.id}, headers=KEY)
    again = ours.post("/v1/jobs", {"dataset": version.id}, headers=KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(ours.get("/v1/jobs").json()["data"]) == 1


def test_other_body_under_the_same_key_is_refused(ours: Caller, version: DatasetVersion):
    ours.post("/v1/jobs", {"dataset": version.id}, headers=KEY)
    answer = ours.post("/v1/jobs", {"dataset": version.id, "seed": 1}, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reuse")


def test_key_belongs_to_its_tenant_and_its_route(ours: Caller, theirs: Caller, version: DatasetVersion):
    job = ours.post("/v1/jobs", {"dataset": version.id}, headers=KEY).json()
    other = seed.version(theirs.tenant_id)
    answer = theirs.post("/v1/jobs", {"dataset": other.id}, headers=KEY)
    assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (202, False)
    cancelled = ours.post(f"/v1/jobs/{job['id']}/cancel", headers=KEY)
    assert cancelled.json()["status"] == "cancelled"


def test_error_is_not_kept(ours: Caller, version: DatasetVersion):
    body = {"dataset": version.id, "training": {"epochs": 0}}
    assert ours.post("/v1/jobs", body, headers=KEY).status_code == 422
    assert ours.post("/v1/jobs", {"dataset": version.id}, headers=KEY).status_code == 202


@pytest.mark.parametrize("round_number", range(3))
def test_a_hundred_simultaneous_repetitions_make_one_job(ours: Caller, version: DatasetVersion, round_number: int):
    start = threading.Barrier(100)

    def send() -> tuple[int, str]:
        start.wait()
        answer = ours.post("/v1/jobs", {"dataset": version.id}, headers={"Idempotency-Key": f"burst-{round_number}"})
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency_in_flight"
            assert answer.headers["Retry-After"] == "1"
            return 409, ""
        return answer.status_code, answer.json()["id"]

    with ThreadPoolExecutor(100) as pool:
        answers = [future.result() for future in [pool.submit(send) for _ in range(100)]]
    assert {status for status, _ in answers} <= {202, 409}
    assert len({job_id for status, job_id in answers if status == 202}) == 1
    assert len(ours.get("/v1/jobs").json()["data"]) == 1


def test_answer_is_forgotten_after_a_day(ours: Caller, version: DatasetVersion, database: str):
    first = ours.post("/v1/jobs", {"dataset": version.id}, headers=KEY).json()
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    assert ours.post("/v1/jobs", {"dataset": version.id}, headers=KEY).json()["id"] != first["id"]


def test_repeated_creation_of_a_key_does_not_tell_the_secret_again(ours: Caller, database: str):
    first = ours.post("/v1/api_keys", {"name": "ci"}, headers=KEY).json()
    again = ours.post("/v1/api_keys", {"name": "ci"}, headers=KEY).json()
    assert first["api_key"].startswith("psk_")
    assert again == first | {"api_key": None}
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        for (body,) in connection.execute("SELECT body FROM idempotency_keys").fetchall():
            assert first["api_key"].encode() not in bytes(body)


def test_scope_is_asked_for_before_an_answer_is_repeated(ours: Caller, version: DatasetVersion):
    ours.post("/v1/jobs", {"dataset": version.id}, headers=KEY)
    secret = ours.post("/v1/api_keys", {"name": "reader", "scopes": ["read"]}).json()["api_key"]
    answer = ours.post("/v1/jobs", {"dataset": version.id}, headers=KEY | {"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 403


@pytest.mark.parametrize("key", ["", "a" * 256, "with space", "ümlaut".encode()])
def test_odd_key_is_refused(ours: Caller, version: DatasetVersion, key: str):
    answer = ours.post("/v1/jobs", {"dataset": version.id}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422


def test_verbs_are_kept_too(ours: Caller, version: DatasetVersion):
    job = made.ended_job(version)
    first = ours.post(f"/v1/jobs/{job.id}/resume", headers=KEY)
    ours.post(f"/v1/jobs/{job.id}/cancel")
    again = ours.post(f"/v1/jobs/{job.id}/resume", headers=KEY)
    assert again.content == first.content
    assert ours.get(f"/v1/jobs/{job.id}").json()["status"] == "cancelled"
