"""/v1/device: a key of the scope `device` claims, fetches, renews and settles profiles, and can do nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from core import queue
from core.database.database import transaction
from core.exports import devices, profiles
from core.store import storage
from core.tables import DatasetVersion, Export, Profile
from tests.api import made
from tests.api.serving import Caller, Server, caller
from tests.worker import seed

PI = "raspberry-pi-5"
FIGURES: dict[str, Any] = {
    "golden_holds": True,
    "golden_differences": {"golden_mean_difference": 1e-7, "golden_max_difference": 2e-6},
    "latency_ms_p50": 30.5,
    "latency_ms_p90": 31.0,
    "latency_ms_p99": 40.25,
    "latency_runs": 160,
    "threads": 1,
    "peak_rss_bytes": 50_000_000,
    "cpu": "Cortex-A76",
    "runtime": "onnxruntime 1.23.0",
}


@pytest.fixture
def pi(server: Server) -> Iterator[Caller]:
    """A device of ours."""
    found = caller(server.url, "ours", ("device",))
    yield found
    found.http.close()


@pytest.fixture
def export(version: DatasetVersion) -> Export:
    return made.published_job(version)[2]


def claim(of: Caller, device: str = PI, **more: Any) -> Any:
    return of.post("/v1/device/claims", {"device": device, "host": "pi.local"}, **more)


def ask(ours: Caller, export: Export) -> str:
    answer = ours.post(f"/v1/models/{export.model_id}/profile", {"export_id": export.id, "device": PI})
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


@pytest.fixture
def asked(ours: Caller, pi: Caller, export: Export) -> str:
    assert claim(pi).status_code == 204
    return ask(ours, export)


def expire(profile_id: str) -> None:
    """What a minute of silence does."""
    with transaction() as session:
        session.execute(update(Profile).where(Profile.id == profile_id).values(lease_expires_at=Profile.created_at))
    with transaction() as session:
        seed.take_back_silent(session)


def read(profile_id: str) -> Profile:
    with transaction() as session:
        return session.get_one(Profile, profile_id)


def test_device_claims_fetches_renews_and_reports(ours: Caller, pi: Caller, export: Export, asked: str):
    assert queue.depth(queue.of_device(PI)) == 0  # nobody would take the message
    found = claim(pi).json()
    assert (found["profile_id"], found["fence"], found["bundle"]["format"]) == (asked, 1, "onnx")
    links = found["links"]
    bundle = pi.get(links["bundle"])
    assert hashlib.sha256(bundle.content).hexdigest() == found["bundle"]["sha256"]
    assert pi.get(links["bundle"], headers={"Range": "bytes=0-9"}).status_code == 206
    before = read(asked).lease_expires_at
    assert pi.http.patch(links["lease"], json={"fence": 1}).json() == {"lease_seconds": 60}
    assert read(asked).lease_expires_at > before
    body = {"fence": 1, "measured": FIGURES}
    assert pi.post(links["report"], body).json() == {"profile_id": asked, "status": "succeeded"}
    done = ours.get(f"/v1/profiles/{asked}").json()
    assert (done["measured"]["latency_ms_p50"], done["measured"]["golden_max_difference"]) == (30.5, 2e-6)
    assert "golden_differences" not in done["measured"]
    assert pi.post(links["report"], body).status_code == 200  # the answer got lost, perhaps
    assert ours.get(f"/v1/profiles/{asked}").json() == done
    other = pi.post(links["report"], {"fence": 1, "measured": FIGURES | {"latency_ms_p50": 1.0}})
    assert (other.status_code, other.json()["code"]) == (409, "claim_lost")
    points = ours.get(f"/v1/models/{export.model_id}/pareto", params={"device": PI}).json()["points"]
    assert [(p["latency_ms"]["value"], p["accuracy"]["value"]) for p in points] == [(30.5, 0.75)]


def test_nothing_to_do_is_204_and_the_device_is_seen_by_its_tenant_alone(ours: Caller, theirs: Caller, pi: Caller):
    answer = claim(pi)
    assert (answer.status_code, answer.headers["Retry-After"], answer.content) == (204, "5", b"")
    assert [(d["name"], d["online"], d["worker"]) for d in ours.get("/v1/devices").json()["data"]] == [
        (PI, True, "pi.local")
    ]
    assert theirs.get("/v1/devices").json()["data"] == []
    assert ours.get("/v1/audit").json()["data"] == []  # a beat is no change


def test_host_of_a_device_of_the_service_is_told_to_no_tenant(ours: Caller):
    with transaction() as session:
        devices.beat(session, "jetson", "rack-7.internal")
    answer = ours.get("/v1/devices")
    assert [(each["name"], each["worker"]) for each in answer.json()["data"]] == [("jetson", "service")]
    assert "rack-7" not in answer.text


def test_repeated_claim_with_its_key_is_the_same_claim(pi: Caller, asked: str):
    key = {"headers": {"Idempotency-Key": "once"}}
    first, again = claim(pi, **key), claim(pi, **key)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    assert read(asked).fence == 1
    assert claim(pi).status_code == 204


def test_late_device_is_fenced_from_everything(ours: Caller, pi: Caller, asked: str):
    stale = claim(pi).json()
    expire(asked)
    assert (read(asked).status, read(asked).attempts) == ("queued", 1)
    refused = _everything(pi, stale)
    assert refused == [(409, "claim_lost")] * 5
    fresh = claim(pi).json()
    assert (fresh["profile_id"], fresh["fence"]) == (asked, 2)
    assert _everything(pi, stale) == refused
    row = read(asked)
    assert (row.status, row.measured, row.error, row.fence) == ("running", None, None, 2)
    assert pi.post(fresh["links"]["report"], {"fence": 2, "measured": FIGURES}).status_code == 200


def test_claim_belongs_to_the_key_that_made_it(server: Server, theirs: Caller, pi: Caller, asked: str):
    stranger = caller(server.url, "theirs", ("device",))
    assert claim(stranger).status_code == 204
    found = claim(pi).json()
    assert {status for status, _ in _everything(stranger, found)} == {404}
    neighbour = caller(server.url, "ours", ("device",))
    assert _everything(neighbour, found) == [(409, "claim_lost")] * 5
    with transaction() as session:  # a worker inside the deployment
        session.execute(update(Profile).values(worker="worker-1"))
    assert _everything(pi, found) == [(409, "claim_lost")] * 5


def _everything(of: Caller, claimed: dict[str, Any]) -> list[tuple[int, str]]:
    links, fence = claimed["links"], {"fence": claimed["fence"]}
    answers = [
        of.get(links["bundle"]),
        of.http.patch(links["lease"], json=fence),
        of.post(links["report"], fence | {"measured": FIGURES}),
        of.post(links["report"], fence | {"error": {"code": "runtime_failed", "message": "no"}}),
        of.post(links["release"], fence),
    ]
    return [(answer.status_code, answer.json()["code"]) for answer in answers]


def test_file_that_cannot_run_there_fails_the_profile_with_its_remedy(ours: Caller, pi: Caller, asked: str):
    found = claim(pi).json()
    body = {"fence": 1, "error": {"code": "missing_dependency", "message": "No module named 'onnxruntime'"}}
    assert pi.post(found["links"]["report"], body).json()["status"] == "failed"
    assert pi.post(found["links"]["report"], body).json()["status"] == "failed"
    error = ours.get(f"/v1/profiles/{asked}").json()["error"]
    assert (error["code"], error["message"]) == ("missing_dependency", "No module named 'onnxruntime'")
    assert "Install the format's runtime" in error["remediation"]


def test_released_claim_is_claimed_again_and_ends_at_the_third_that_counts(pi: Caller, asked: str):
    for attempt in (1, 2):
        found = claim(pi).json()
        body = {"fence": found["fence"], "counted": False}
        assert pi.post(found["links"]["release"], body).json()["status"] == "queued"
        assert read(asked).attempts == 0, attempt
    statuses = []
    for _ in range(3):
        found = claim(pi).json()
        statuses.append(pi.post(found["links"]["release"], {"fence": found["fence"]}).json()["status"])
    assert statuses == ["queued", "queued", "failed"]


def test_worker_inside_the_deployment_of_the_same_name_takes_turns(pi: Caller, asked: str):
    with transaction() as session:
        assert profiles.claim(session, asked, "worker-1", device=PI).fence == 1
    assert claim(pi).status_code == 204


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"latency_ms_p50": -1}, "/measured/latency_ms_p50"),
        ({"latency_ms_p50": "NaN"}, "/measured/latency_ms_p50"),
        ({"cpu": "x" * 201}, "/measured/cpu"),
        ({"top1_accuracy": 1.0}, "/measured/top1_accuracy"),
        ({"golden_differences": {"latency_ms_p50": 1.0}}, "/measured/golden_differences/latency_ms_p50"),
    ],
)
def test_figures_that_cannot_be_are_refused_and_nothing_is_stored(pi: Caller, asked: str, change: dict, pointer: str):
    found = claim(pi).json()
    answer = pi.post(found["links"]["report"], {"fence": 1, "measured": FIGURES | change})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (read(asked).status, read(asked).measured) == ("running", None)
    both = {"fence": 1, "measured": FIGURES, "error": {"code": "runtime_failed", "message": "no"}}
    assert pi.post(found["links"]["report"], both).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/me"), ("POST", "/v1/sessions/links"), ("POST", "/v1/sessions")]
)
def test_what_is_open_to_keys_of_any_scope_is_closed_to_a_device(pi: Caller, ours: Caller, method: str, path: str):
    body = {} if method == "POST" else None
    assert pi.http.request(method, path, json=body).status_code == 403
    assert ours.http.request(method, path, json=body).is_success


def test_bundle_comes_through_the_api_where_the_store_could_sign(pi: Caller, asked: str, monkeypatch):
    monkeypatch.setattr(storage, "presign", lambda *_: "http://a-store-nobody-reaches/")
    assert pi.get(claim(pi).json()["links"]["bundle"]).content == made.BUNDLE
