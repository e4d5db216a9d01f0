"""DELETE /v1/sweeps/{id}: once it is over; its jobs stay or go with it."""

from __future__ import annotations

import pytest
from optuna import get_all_study_names

from core.store import storage
from core.tables import DatasetVersion
from tests.api.serving import Caller
from tests.worker import seed, sweeping
from worker.sweeps import driving, studies


@pytest.fixture
def ended(version: DatasetVersion) -> str:
    """One trial and a final job, both succeeded."""
    sweep_id = sweeping.sweep(version, trials=1)
    driving.tick()
    sweeping.finish(sweeping.trials(sweep_id)[0].job_id, 0.8)
    driving.tick()
    sweeping.finish(sweeping.read(sweep_id).final_job_id, 0.8)
    driving.tick()
    assert sweeping.read(sweep_id).status == "succeeded"
    return sweep_id


def test_sweep_goes_and_its_jobs_stay(ours: Caller, ended: str):
    path, job_ids = f"/v1/sweeps/{ended}", [job.id for job in sweeping.jobs(ended)]
    assert len(job_ids) == 2
    assert ours.delete(path).status_code == 204
    assert ours.get(path).status_code == ours.delete(path).status_code == 404
    assert [ours.get(f"/v1/jobs/{job_id}").json()["sweep_id"] for job_id in job_ids] == [None, None]


def test_its_jobs_go_too_where_that_is_asked(ours: Caller, ended: str):
    job_ids = [job.id for job in sweeping.jobs(ended)]
    assert ours.delete(f"/v1/sweeps/{ended}?jobs=delete").status_code == 204
    for job_id in job_ids:
        assert ours.get(f"/v1/jobs/{job_id}").status_code == 404
        assert not storage.sizes(f"jobs/{job_id}/")


def test_one_that_is_not_over_stays(ours: Caller, version: DatasetVersion):
    sweep_id = sweeping.sweep(version)
    driving.tick()
    running, _ = (trial.job_id for trial in sweeping.trials(sweep_id))
    sweeping.claim(running)
    refused = ours.delete(f"/v1/sweeps/{sweep_id}")
    assert (refused.status_code, refused.json()["code"]) == (409, "sweep_unfinished")
    ours.post(f"/v1/sweeps/{sweep_id}/cancel")
    # Its worker has not yet stopped: the rows it writes to are still needed.
    assert ours.delete(f"/v1/sweeps/{sweep_id}?jobs=delete").status_code == 409
    assert seed.read(running).sweep_id == sweep_id


def test_optuna_forgets_it_when_a_sweep_is_next_driven(ours: Caller, version: DatasetVersion, ended: str):
    assert ended in get_all_study_names(studies._storage())
    ours.delete(f"/v1/sweeps/{ended}")
    other = sweeping.sweep(version)
    driving.tick()
    assert ended not in get_all_study_names(studies._storage())
    assert other in get_all_study_names(studies._storage())


def test_delete_minds_if_match(ours: Caller, ended: str):
    path = f"/v1/sweeps/{ended}"
    assert ours.delete(path, headers={"If-Match": '"another"'}).status_code == 412
    assert ours.delete(path, headers={"If-Match": ours.get(path).headers["ETag"]}).status_code == 204
