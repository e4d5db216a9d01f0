"""`patchswap jobs show`: what is known of a job, figures among it."""

from __future__ import annotations

from core.database.database import transaction
from core.jobs import ledger
from patchswap.resources import Job
from tests.patchswap.cli.conftest import Run, one_json
from tests.patchswap.trackers.conftest import Training, job, succeeded, training

__all__ = ["job", "succeeded", "training"]


def test_job_that_succeeded_shows_its_accuracy_with_its_interval_and_its_files(succeeded: Job, patchswap: Run):
    told = patchswap("jobs", "show", succeeded.id)
    assert told.returncode == 0, told.stderr
    assert "patch_swap: top-1 75.00% on 10 test images, 95 % CI 65.0% to 85.0%" in told.stdout
    assert ": succeeded, top-1 89.00%, 1.2 kB, 0.50 ms" in told.stdout
    assert "int8 exp_" in told.stdout
    assert one_json(patchswap("jobs", "show", succeeded.id, "--json"))["id"] == succeeded.id


def test_running_job_shows_its_loss_and_the_best_so_far(job: Job, training: Training, patchswap: Run):
    best = {"metric": "val.top1_accuracy", "value": 0.5, "epoch": 2}
    with transaction() as session:
        ledger.record(session, training.mine, progress={"loss": 0.25, "best": best})
    lines = patchswap("jobs", "show", job.id).stdout.splitlines()
    assert lines[-2:] == ["loss 0.250", "best on validation: top-1 0.5 after epoch 2"]


def test_usage_of_a_job_has_each_figure_once(succeeded: Job, patchswap: Run):
    told = patchswap("jobs", "usage", succeeded.id).stdout
    assert "device seconds" in told
    assert "gpu seconds" not in told
