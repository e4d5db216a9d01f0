"""POST /v1/sweeps/{id}/cancel: at once, harmless when repeated, and its jobs with it."""

from __future__ import annotations

from core.tables import DatasetVersion
from tests.api.serving import Caller
from tests.worker import sweeping
from worker.sweeps import driving


def test_cancel_ends_the_sweep_and_its_jobs(ours: Caller, version: DatasetVersion):
    sweep_id = sweeping.sweep(version)
    driving.tick()
    running, queued = (trial.job_id for trial in sweeping.trials(sweep_id))
    sweeping.claim(running)
    answer = ours.post(f"/v1/sweeps/{sweep_id}/cancel")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["status"], [t["status"] for t in found["trials"]]) == ("cancelled", ["cancelled"] * 2)
    assert ours.get(f"/v1/jobs/{running}").json()["cancel_requested_at"] is not None
    job = ours.get(f"/v1/jobs/{queued}").json()
    assert (job["status"], job["transitions"][-1]["reason"]) == ("cancelled", "the sweep was cancelled")
    again = ours.post(f"/v1/sweeps/{sweep_id}/cancel")
    assert (again.status_code, again.json()) == (200, found)


def test_final_job_is_cancelled_too(ours: Caller, version: DatasetVersion):
    sweep_id = sweeping.sweep(version, trials=1)
    driving.tick()
    sweeping.finish(sweeping.trials(sweep_id)[0].job_id, 0.8)
    driving.tick()
    found = ours.post(f"/v1/sweeps/{sweep_id}/cancel").json()
    assert found["counts"]["complete"] == 1
    assert ours.get(f"/v1/jobs/{found['final_job_id']}").json()["status"] == "cancelled"


def test_ended_sweep_is_a_conflict(ours: Caller, version: DatasetVersion):
    sweep_id = sweeping.sweep(version, trials=1)
    driving.tick()
    sweeping.fail(sweeping.trials(sweep_id)[0].job_id)
    driving.tick()
    answer = ours.post(f"/v1/sweeps/{sweep_id}/cancel")
    assert (answer.status_code, answer.json()["code"], answer.json()["allowed"]) == (409, "invalid_transition", [])
    assert "Cannot cancel a sweep that is failed" in answer.json()["detail"]
