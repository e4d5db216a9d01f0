"""Rates and quotas belong to the tenant: more keys, more processes and forged headers change nothing."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import redis

from core.database.database import transaction
from core.jobs import ledger
from core.jobs.ledger import Claim
from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller, Server, caller
from tests.conftest import forget_settings
from tests.servers.redis import RedisServer
from tests.worker import seed

LIMIT = 60


@pytest.fixture
def set_limit(monkeypatch: pytest.MonkeyPatch):
    def set_(name: str, value: int) -> None:
        monkeypatch.setenv(f"PATCHSWAP_{name}", str(value))
        forget_settings()

    return set_


@pytest.fixture
def second_server(server: Server) -> Iterator[Server]:
    with Server() as running:
        yield running


def minute_of(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        return client.time()[0] // 60


def counted(callers: list[httpx.Client], count: int) -> list[httpx.Response]:
    turns = list(itertools.islice(itertools.cycle(callers), count))
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda http: http.get("/v1/recipes"), turns))


def test_ten_times_the_rate_by_many_keys_and_processes_stays_below_the_limit(
    server: Server, second_server: Server, theirs: Caller, redis_url: str, set_limit
):
    set_limit("REQUESTS_PER_MINUTE", LIMIT)
    holders = [caller(url, "ours") for url in (server.url, second_server.url) for _ in range(3)]
    for number, holder in enumerate(holders):
        holder.http.headers["X-Forwarded-For"] = f"10.0.0.{number}"
    began = minute_of(redis_url)
    answers = counted([holder.http for holder in holders], 10 * LIMIT)
    minutes = 1 + minute_of(redis_url) - began
    good = [answer for answer in answers if answer.status_code == 200]
    assert LIMIT * 0.9 <= len(good) <= LIMIT * minutes
    refused = next(answer for answer in answers if answer.status_code != 200)
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["retryable"]) == (429, "rate_limited", True)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "60 requests a minute" in problem["detail"]
    assert theirs.get("/v1/recipes").status_code == 200
    assert holders[0].get("/healthz").status_code == 200  # asks for no key, so it is nobody's


def test_each_process_counts_alone_while_redis_is_away(
    server: Server, ours: Caller, redis_server: RedisServer, set_limit
):
    set_limit("REQUESTS_PER_MINUTE", LIMIT)
    assert counted([ours.http], 5)[0].status_code == 200
    redis_server.kill()
    try:
        good = [answer for answer in counted([ours.http], 3 * LIMIT) if answer.status_code == 200]
    finally:
        redis_server.start()
    assert LIMIT - 5 <= len(good) <= 2 * LIMIT  # a minute may have turned meanwhile


def test_queued_jobs_of_simultaneous_submits_stay_below_the_quota(ours: Caller, version: DatasetVersion, set_limit):
    set_limit("QUOTA_QUEUED_JOBS", 3)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: ours.post("/v1/jobs", {"dataset": version.id}), range(10)))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 7
    refused = next(answer for answer in answers if answer.status_code == 429)
    problem = refused.json()
    assert (problem["code"], problem["quota"], problem["limit"], problem["used"]) == (
        "quota_exceeded",
        "queued_jobs",
        3,
        3,
    )
    assert "cancel some" in problem["detail"]
    assert refused.headers["Retry-After"]
    job_id = next(answer.json()["id"] for answer in answers if answer.status_code == 202)
    ours.post(f"/v1/jobs/{job_id}/cancel")
    assert ours.post("/v1/jobs", {"dataset": version.id}).status_code == 202
    for verb in ("resume", "retry", "clone"):
        assert ours.post(f"/v1/jobs/{job_id}/{verb}").status_code == 429


def test_jobs_of_others_do_not_count(ours: Caller, theirs: Caller, version: DatasetVersion, set_limit):
    set_limit("QUOTA_QUEUED_JOBS", 1)
    assert ours.post("/v1/jobs", {"dataset": version.id}).status_code == 202
    other = seed.version(theirs.tenant_id)
    assert theirs.post("/v1/jobs", {"dataset": other.id}).status_code == 202


def test_running_jobs_beyond_the_quota_stay_queued_until_one_ends(version: DatasetVersion, set_limit):
    set_limit("QUOTA_RUNNING_JOBS", 2)
    jobs = [seed.job(version) for _ in range(6)]

    def claim(job_id: str) -> Claim | None:
        with transaction() as session:
            row = ledger.claim(session, job_id, "worker-1")
            return Claim(row.id, row.fence, "worker-1") if row else None

    with ThreadPoolExecutor(6) as pool:
        claims = [claim for claim in pool.map(claim, [job.id for job in jobs]) if claim]
    assert len(claims) == 2
    left = next(job.id for job in jobs if seed.read(job.id).status == "queued")
    assert claim(left) is None
    with transaction() as session:
        ledger.end(session, claims[0], "failed", reason="made so")
    assert claim(left) is not None


def announce(who: Caller, content: bytes) -> httpx.Response:
    sha256 = hashlib.sha256(content).hexdigest()
    return who.post("/v1/uploads", {"bytes": len(content), "sha256": sha256, "media_type": "application/zip"})


def test_announced_bytes_count_until_the_upload_is_given_up(ours: Caller, set_limit):
    set_limit("QUOTA_BYTES", 2500)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: announce(ours, bytes([n]) * 1000), range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [429] * 4
    refused = next(answer.json() for answer in answers if answer.status_code == 429)
    assert (refused["quota"], refused["limit"], refused["used"]) == ("bytes", 2500, 2000)
    upload = next(answer.json() for answer in answers if answer.status_code == 201)
    assert ours.delete(f"/v1/uploads/{upload['id']}").status_code == 204
    assert announce(ours, b"x" * 1000).status_code == 201


def test_packs_checkpoints_weights_reports_and_exports_count_and_copies_do_not(
    ours: Caller, version: DatasetVersion, set_limit
):
    made.published_job(version)
    _, claim = made.running_job(version)
    made.checkpoint(claim)
    of_the_model = len(made.BUNDLE) + len(made.REPORT) + len(b"weights")
    stored = len(b"an archive") + len(seed.SAMPLES) + of_the_model + len(b"state")
    set_limit("QUOTA_BYTES", stored)
    assert announce(ours, b"an archive").json()["deduplicated"] is True
    refused = announce(ours, b"x").json()
    assert (refused["code"], refused["used"]) == ("quota_exceeded", stored)


def test_no_dataset_is_begun_beyond_the_quota_of_images(ours: Caller, version: DatasetVersion, set_limit):
    set_limit("QUOTA_IMAGES", 60)
    upload = seed.upload(ours.tenant_id, b"another archive")
    refused = ours.post("/v1/datasets", {"name": "d", "upload_id": upload.id})
    assert (refused.status_code, refused.json()["quota"], refused.json()["used"]) == (429, "images", 60)
    assert (refused.headers["Retry-After"], refused.json()["retryable"]) == ("60", True)
    assert ours.delete(f"/v1/datasets/{version.dataset_id}").status_code == 204
    assert ours.post("/v1/datasets", {"name": "d", "upload_id": upload.id}).status_code == 202
