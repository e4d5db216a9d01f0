"""Checkpoints that a customer pins are kept, whatever newer ones come."""

from __future__ import annotations

from core.database.database import transaction
from core.jobs import ledger
from core.jobs.ledger import Claim
from core.store import storage
from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller


def save(claim: Claim, *steps: int) -> None:
    for step in steps:
        stored = storage.put_bytes(f"jobs/{claim.job_id}/{claim.fence}/checkpoints/step-{step}.ckpt", b"state")
        with transaction() as session:
            ledger.record_checkpoint(session, claim, stored, arm="main", step=step, epoch=1, best=False, figures={})


def steps(ours: Caller, job_id: str) -> list[int]:
    return sorted(one["step"] for one in ours.get(f"/v1/jobs/{job_id}/checkpoints").json()["data"])


def test_pinned_checkpoint_is_kept_until_it_is_unpinned(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    save(claim, 1)
    (found,) = ours.get(f"/v1/jobs/{job.id}/checkpoints").json()["data"]
    path = f"/v1/jobs/{job.id}/checkpoints/{found['id']}"
    pinned = ours.post(f"{path}/pin")
    assert (pinned.status_code, pinned.json()) == (200, found | {"pinned": True})
    assert ours.post(f"{path}/pin").json() == pinned.json()
    save(claim, 2, 3, 4)
    assert steps(ours, job.id) == [1, 3, 4]
    assert ours.get(f"{path}/download").content == b"state"
    assert ours.post(f"{path}/unpin").json() == found
    assert steps(ours, job.id) == [1, 3, 4]
    save(claim, 5)
    assert steps(ours, job.id) == [4, 5]
    assert ours.post(f"{path}/pin").status_code == 404


def test_checkpoint_of_another_job_is_not_found(ours: Caller, version: DatasetVersion):
    _, claim = made.running_job(version)
    other, _ = made.running_job(version)
    checkpoint_id = made.checkpoint(claim)
    for verb in ("pin", "unpin"):
        assert ours.post(f"/v1/jobs/{other.id}/checkpoints/{checkpoint_id}/{verb}").status_code == 404
