"""GET /v1/sweeps and one sweep: its trials, the best, what its jobs say of it, and conditional reading."""

from __future__ import annotations

from core.tables import DatasetVersion
from tests.api.serving import Caller
from tests.worker import sweeping
from worker.sweeps import driving


def test_trials_are_shown_with_the_best(ours: Caller, version: DatasetVersion):
    sweep_id = sweeping.sweep(version, algorithm="asha", asha={"min_epochs": 2, "reduction_factor": 2}, trials=4)
    driving.tick()
    good, bad = (trial.job_id for trial in sweeping.trials(sweep_id))
    sweeping.finish(good, 0.8)
    held = sweeping.claim(bad)
    for epoch in (1, 2):
        sweeping.reach(held, epoch, 0.1)
    driving.tick()
    found = ours.get(f"/v1/sweeps/{sweep_id}").json()
    assert [t["status"] for t in found["trials"]] == ["complete", "pruned", "running", "running"]
    assert [(t["number"], t["job_id"], t["value"], t["epochs"]) for t in found["trials"][:2]] == [
        (0, good, 0.8, 4),
        (1, bad, 0.1, 2),
    ]
    assert found["trials"][1]["reason"].startswith("pruned: ")
    assert found["best"] == found["trials"][0]
    assert found["counts"] == {"running": 2, "complete": 1, "pruned": 1, "failed": 0, "cancelled": 0}


def test_final_job_is_named_and_knows_its_sweep(ours: Caller, version: DatasetVersion):
    sweep_id = sweeping.sweep(version, trials=1)
    driving.tick()
    sweeping.finish(sweeping.trials(sweep_id)[0].job_id, 0.8)
    driving.tick()
    found = ours.get(f"/v1/sweeps/{sweep_id}").json()
    final = ours.get(found["links"]["final_job"]).json()
    assert (found["status"], final["id"]) == ("running", found["final_job_id"])
    assert (final["sweep_id"], final["links"]["sweep"]) == (sweep_id, f"/v1/sweeps/{sweep_id}")
    sweeping.finish(final["id"], 0.8)
    driving.tick()
    assert ours.get(f"/v1/sweeps/{sweep_id}").json()["status"] == "succeeded"


def test_jobs_of_one_sweep_are_listed_apart(ours: Caller, version: DatasetVersion):
    first, second = (sweeping.sweep(version) for _ in range(2))
    other = ours.post("/v1/jobs", {"dataset": version.id}).json()
    driving.tick()
    listed = ours.get(f"/v1/jobs?sweep={first}").json()["data"]
    assert {job["id"] for job in listed} == {trial.job_id for trial in sweeping.trials(first)}
    assert len(ours.get(f"/v1/jobs?sweep={second}&status=queued&limit=1").json()["data"]) == 1
    assert (other["sweep_id"], other["links"]["sweep"]) == (None, None)


def test_unchanged_sweep_is_304_and_a_trials_step_changes_it(ours: Caller, version: DatasetVersion):
    sweep_id = sweeping.sweep(version)
    driving.tick()
    first = ours.get(f"/v1/sweeps/{sweep_id}")
    assert first.headers["Retry-After"]
    known = {"If-None-Match": first.headers["ETag"]}
    driving.tick()
    assert ours.get(f"/v1/sweeps/{sweep_id}", headers=known).status_code == 304
    sweeping.reach(sweeping.claim(sweeping.trials(sweep_id)[0].job_id), 1, 0.3)
    driving.tick()
    assert ours.get(f"/v1/sweeps/{sweep_id}", headers=known).status_code == 200


def test_sweeps_are_listed_by_page_without_their_trials(ours: Caller, version: DatasetVersion):
    made = [sweeping.sweep(version) for _ in range(3)]
    driving.tick()
    page = ours.get("/v1/sweeps?limit=2&order=asc").json()
    assert [item["id"] for item in page["data"]] == made[:2]
    assert all(item["counts"]["running"] == 2 and "trials" not in item for item in page["data"])
    rest = ours.get(page["next"]).json()
    assert ([item["id"] for item in rest["data"]], rest["has_more"]) == (made[2:], False)
