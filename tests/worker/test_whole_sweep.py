"""A sweep from its submission to its final job, by real workers: one is killed in the middle, Optuna's side with it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.database.database import transaction
from core.tables import DatasetVersion, Export, Model
from tests.conftest import forget_settings
from tests.worker import sweeping, test_whole_job
from tests.worker.processes import wait_for
from tests.worker.sweeping import read, trials


def splits(job_id: str) -> set[str]:
    with transaction() as session:
        model = session.query(Model).filter_by(job_id=job_id).one()
        return set(model.evaluation["main"]["splits"])


@pytest.mark.slow
def test_sweep_survives_its_worker_and_ends_with_the_best_on_test(version, start_worker):
    worker = start_worker("train")
    sweep_id = sweeping.sweep(
        version,
        algorithm="asha",
        asha={"min_epochs": 1, "reduction_factor": 2},
        trials=3,
        seed=1,  # the third is behind the second, whichever of the first two is trained first
        labels={"fake/skill": "learning_rate", "fake/step_seconds": "0.04"},
    )
    wait_for(lambda: any(trial.epochs for trial in trials(sweep_id)))
    worker.end()
    start_worker("train")
    wait_for(lambda: read(sweep_id).status != "running", seconds=120)

    found, board = read(sweep_id), trials(sweep_id)
    assert (found.status, found.error) == ("succeeded", None)
    assert len(sweeping.jobs(sweep_id)) == 4
    ended = {trial.number: trial.status for trial in board}
    assert set(ended.values()) == {"complete", "pruned"}, ended
    complete = [trial for trial in board if trial.status == "complete"]
    assert found.best_number == max(complete, key=lambda trial: trial.value).number
    assert all(splits(trial.job_id) == {"val"} for trial in complete)
    assert splits(found.final_job_id) == {"val", "test"}
    cancelled = {job.id for job in sweeping.jobs(sweep_id) if job.status == "cancelled"}
    assert cancelled == {trial.job_id for trial in board if trial.status == "pruned"}


@pytest.mark.slow
def test_real_trainer_is_searched_over(version, start_worker, monkeypatch):
    monkeypatch.delenv("PATCHSWAP_TRAINER_MODULE")
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "60")
    monkeypatch.setenv("PATCHSWAP_LEASE_SECONDS", "10")
    forget_settings()
    start_worker("short")
    start_worker("train")
    pushed = test_whole_job.push(test_whole_job.archive())
    wait_for(lambda: test_whole_job.read(DatasetVersion, pushed.id).status == "ready")
    sweep_id = sweeping.sweep(
        test_whole_job.read(DatasetVersion, pushed.id),
        trials=2,
        spec={
            "model": {"architecture": "resnet20"},
            "training": {"epochs": 2, "pairs_per_batch": 16},
            "exports": [{"precision": "fp32"}],
        },
    )
    wait_for(lambda: read(sweep_id).status != "running", seconds=280)
    found, board = read(sweep_id), trials(sweep_id)
    assert (found.status, [trial.status for trial in board]) == ("succeeded", ["complete"] * 2), found.error
    assert [splits(trial.job_id) for trial in board] == [{"val"}] * 2
    assert splits(found.final_job_id) == {"val", "test"}
    with transaction() as session:
        (export,) = session.scalars(select(Export))
        trained = session.get_one(Model, export.model_id)
    assert (export.status, trained.job_id) == ("succeeded", found.final_job_id)
    # The same seed on the same machine: the final net is the best trial's, now looked at on the test split.
    best = trained.evaluation["main"]["splits"]["val"]["top1_accuracy"]
    assert best == max(trial.value for trial in board)
