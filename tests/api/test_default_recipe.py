"""Jobs that name no recipe: what is chosen is said, kept and not decided twice; estimates and budgets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from core.database.database import transaction
from core.tables import DatasetVersion, Job, JobAttempt, Model
from tests.api import made
from tests.api.serving import Caller
from tests.worker import seed
from worker.disk import run_folder

DEVICE = "cpu (x86_64, 2 threads)"


def test_a_job_without_a_recipe_says_what_was_chosen_and_why(ours: Caller, version: DatasetVersion, tmp_path):
    job = ours.post("/v1/jobs", {"dataset": version.id, "training": {"epochs": 3}}).json()
    chosen = job["chosen"]
    assert chosen["recipe"] == "small_images"
    assert job["spec"]["training"]["epochs"] == job["resolved"]["training"]["epochs"] == 3
    assert job["spec"]["optimizer"]["learning_rate"] == chosen["spec"]["optimizer"]["learning_rate"] == 0.05
    assert "chosen" not in job["resolved"]  # a worker of an earlier release would refuse it
    told = [event["data"] for event in ours.get(f"/v1/jobs/{job['id']}/events").json()["data"]]
    (notice,) = [data for data in told if data.get("code") == "recipe_chosen"]
    assert "8 px" in notice["message"]
    assert ours.get(f"/v1/jobs/{job['id']}").json()["chosen"] == chosen
    laid_out = run_folder.write_spec(tmp_path, seed.read(job["id"]), version)
    assert laid_out.chosen is not None
    assert laid_out.chosen.message == notice["message"]


def test_a_recipe_or_null_turns_the_default_off(ours: Caller, version: DatasetVersion):
    for recipe in ("resnet20_short", None):
        job = ours.post("/v1/jobs", {"dataset": version.id, "recipe": recipe}).json()
        assert job["chosen"] is None
        assert job["spec"]["method"]["name"] == "patch_swap"
    assert job["spec"]["training"]["epochs"] == 200


def test_a_clone_is_not_decided_anew(ours: Caller, version: DatasetVersion):
    body = {"dataset": version.id, "budget_seconds": 2_000_000}
    job = ours.post("/v1/jobs", body).json()
    assert job["spec"]["budget_seconds"] == 2_000_000
    cloned = ours.post(f"/v1/jobs/{job['id']}/clone", {"seed": 5}).json()
    assert cloned["chosen"] is None
    assert cloned["resolved"] == job["resolved"] | {"seed": 5}


def test_validate_and_estimate_create_nothing(ours: Caller, version: DatasetVersion):
    checked = ours.post("/v1/jobs/validate", {"dataset": version.id}).json()
    assert checked["chosen"]["recipe"] == "small_images"
    found = ours.post("/v1/jobs/estimate", {"dataset": version.id}).json()
    assert (found["basis"], found["device"]) == ("multiply_adds", None)
    assert 0 < found["seconds_low"] < found["seconds"] < found["seconds_high"]
    assert ours.get("/v1/jobs").json()["data"] == []


def test_an_estimate_is_by_finished_jobs_of_the_tenants_own(ours: Caller, theirs: Caller, version: DatasetVersion):
    _finished(version, train=100, other=7)
    found = ours.post("/v1/jobs/estimate", {"dataset": version.id, "exports": []}).json()
    assert (found["basis"], found["device"]) == ("measured", DEVICE)
    assert found["train_seconds"] == pytest.approx(found["images_seen"] / 10, rel=0.01)
    others = seed.version(theirs.tenant_id)
    assert theirs.post("/v1/jobs/estimate", {"dataset": others.id}).json()["basis"] == "multiply_adds"


def test_a_budget_too_short_is_refused_at_its_pointer(ours: Caller, version: DatasetVersion):
    refused = ours.post("/v1/jobs", {"dataset": version.id, "budget_seconds": 31})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/budget_seconds"
    both = ours.post("/v1/jobs/validate", {"dataset": version.id, "budget_seconds": 900, "recipe": "resnet20"})
    assert both.json()["errors"][0]["code"] == "budget_with_recipe"


def test_a_comparison_and_a_sweep_are_laid_over_the_default_once(ours: Caller, version: DatasetVersion):
    asked = {"dataset": version.id, "methods": ["patch_swap"], "seeds": 1}
    comparison = ours.post("/v1/comparisons", asked).json()
    jobs = ours.get(f"/v1/jobs?view=full&comparison={comparison['id']}").json()["data"]
    assert {job["spec"]["model"]["architecture"] for job in jobs} == {"resnet20"}
    assert {job["spec"]["method"]["name"] for job in jobs} == {"patch_swap", "cross_entropy"}
    assert len({job["spec"]["training"]["epochs"] for job in jobs}) == 1
    assert all(job["spec"]["exports"] == [] for job in jobs)
    space = {"optimizer.learning_rate": {"type": "float", "low": 0.01, "high": 0.1}}
    sweep = ours.post("/v1/sweeps", {"dataset": version.id, "space": space, "trials": 1})
    assert sweep.status_code == 202, sweep.json()
    assert sweep.json()["spec"]["spec"]["model"]["architecture"] == "resnet20"


def _finished(version: DatasetVersion, *, train: float, other: float) -> None:
    """A published job of a ResNet-20, whose one attempt trained on 1,000 images for `seconds`."""
    job, model, _ = made.published_job(version, control=False, model={"architecture": "resnet20"})
    figures = {"images_seen": 1000, "train_seconds": train, "peak_memory_bytes": 10**9}
    began = datetime.now(UTC)
    ended = began + timedelta(seconds=train + other)
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job.id).values(progress={**job.progress, "device": DEVICE}))
        session.execute(update(Model).where(Model.id == model.id).values(figures=model.figures | figures))
        times = {"started_at": began, "ended_at": ended}
        session.execute(update(JobAttempt).where(JobAttempt.job_id == job.id).values(times))
