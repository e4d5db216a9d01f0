"""POST /v1/models/{model_id}/profile, GET /v1/profiles, GET /v1/devices."""

from __future__ import annotations

import pytest

from contract.results.exported import ProfileResult
from core import queue
from core.database.database import transaction
from core.exports import devices, profiles
from core.tables import DatasetVersion, Export
from tests.api import made
from tests.api.serving import Caller

PI = "raspberry-pi-5"


def see(*names: str) -> None:
    with transaction() as session:
        for name in names:
            devices.beat(session, name, "host")


def measure(profile_id: str, device: str | None, **measured: float) -> None:
    """What a worker of the device would do."""
    with transaction() as session:
        claimed = profiles.claim(session, profile_id, "worker-1", device=device)
        profiles.publish(session, profile_id, claimed.fence, ProfileResult(measured=measured))


def test_profile_is_asked_for_rung_and_followed(ours: Caller, version: DatasetVersion):
    _, model, export = made.published_job(version)
    see(PI)
    answer = ours.post(f"/v1/models/{model.id}/profile", {"export_id": export.id, "device": PI})
    assert (answer.status_code, answer.json()["status"], answer.json()["device"]) == (202, "queued", PI)
    assert queue.depth(queue.of_device(PI)) == 1
    found = ours.get(answer.headers["Location"])
    assert (found.json(), found.headers["Retry-After"]) == (answer.json(), "1")
    again = ours.post(f"/v1/models/{model.id}/profile", {"export_id": export.id, "device": PI})
    assert again.json()["id"] == answer.json()["id"]
    measure(answer.json()["id"], PI, latency_ms_p50=9.0)
    done = ours.get(answer.headers["Location"]).json()
    assert (done["status"], done["measured"]) == ("succeeded", {"latency_ms_p50": 9.0})
    assert [one["id"] for one in ours.get("/v1/profiles").json()["data"]] == [done["id"]]
    assert ours.get("/v1/profiles", params={"model": model.id}).json()["data"] == [done]
    assert ours.get("/v1/profiles", params={"model": "model_0"}).json()["data"] == []


def test_device_that_was_never_seen_is_told_with_those_that_were(ours: Caller, version: DatasetVersion):
    _, model, export = made.published_job(version)
    see("phone", "jetson")
    answer = ours.post(f"/v1/models/{model.id}/profile", {"export_id": export.id, "device": PI})
    assert (answer.status_code, answer.json()["code"]) == (422, "device_unknown")
    assert answer.json()["errors"][0]["pointer"] == "/device"
    assert "Seen: jetson, phone. Start one on the device: `patchswap worker --device raspberry-pi-5`" in answer.text
    assert ours.get(f"/v1/models/{model.id}/pareto", params={"device": PI}).json()["code"] == "device_unknown"
    shown = ours.get("/v1/devices").json()["data"]
    assert [(one["name"], one["online"]) for one in shown] == [("jetson", True), ("phone", True)]


@pytest.mark.parametrize(
    ("body", "pointer"), [({}, "/export_id"), ({"export_id": "exp_0"}, "/export_id"), ({"device": ""}, "/device")]
)
def test_fault_in_a_profile_is_422_with_its_place(ours: Caller, version: DatasetVersion, body: dict, pointer: str):
    _, model, export = made.published_job(version)
    answer = ours.post(f"/v1/models/{model.id}/profile", {"export_id": export.id} | body if body else {})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_export_without_a_file_is_a_conflict_and_one_of_another_model_unknown(ours: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version)
    _, _, foreign = made.published_job(version)
    queued = made.export(model, "queued")
    answer = ours.post(f"/v1/models/{model.id}/profile", {"export_id": queued.id})
    assert (answer.status_code, answer.json()["code"]) == (409, "export_unmeasurable")
    other = ours.post(f"/v1/models/{model.id}/profile", {"export_id": foreign.id})
    assert (other.status_code, other.json()["code"]) == (422, "unknown_export")


def test_front_of_a_device_is_by_what_was_measured_there(ours: Caller, version: DatasetVersion):
    _, model, fp32 = made.published_job(version)
    int8 = made.export(model, "succeeded")
    values = {fp32.id: (0.75, 1000, 2.0), int8.id: (0.74, 300, 1.0)}
    with transaction() as session:
        for export_id, (accuracy, size, latency) in values.items():
            measured = {"top1_accuracy": accuracy, "model_bytes": size, "latency_ms_p50": latency, "cpu": "server"}
            session.get_one(Export, export_id).measured = measured
    see(PI)
    body = {"export_id": fp32.id, "device": PI}
    profile = ours.post(f"/v1/models/{model.id}/profile", body).json()
    measure(profile["id"], PI, latency_ms_p50=10.0, top1_accuracy=0.5)
    found = ours.get(f"/v1/models/{model.id}/pareto", params={"device": PI}).json()
    points = {point["export_id"]: point for point in found["points"]}
    there, elsewhere = points[fp32.id], points[int8.id]
    assert found["device"] == PI
    assert (there["latency_ms"]["value"], there["latency_ms"]["basis"]) == (10.0, "measured")
    assert there["accuracy"]["value"] == 0.5
    assert (elsewhere["latency_ms"]["value"], elsewhere["latency_ms"]["basis"]) == (5.0, "estimated")
    assert "5.00 times" in elsewhere["latency_ms"]["how"]
    plain = ours.get(f"/v1/models/{model.id}/pareto").json()
    assert {point["latency_ms"]["value"] for point in plain["points"]} == {1.0, 2.0}
