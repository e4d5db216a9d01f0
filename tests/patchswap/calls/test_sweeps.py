"""Sweeps through the client: created, followed, ended; refused with pointers. The driver is run by hand."""

from __future__ import annotations

from typing import Any

import pytest

from patchswap import Sweep
from patchswap.client import Client
from patchswap.errors import BadInput, Conflict, Invalid, SweepUnsuccessful, WaitTimeout
from tests.patchswap.conftest import Worker
from worker.sweeps import driving

SPACE = {"optimizer.learning_rate": {"type": "float", "low": 1e-3, "high": 0.5, "log": True}}
FIELDS: dict[str, Any] = {"space": SPACE, "trials": 2, "max_concurrent": 2}


@pytest.fixture
def sweep(client: Client, dataset_id: str) -> Sweep:
    return client.sweeps.create(dataset=dataset_id, name="rates", **FIELDS)


def end_all(sweep: Sweep) -> None:
    """Every trial fails."""
    driving.tick()
    for trial in sweep.refresh().trials:
        worker = Worker(trial.job_id or "")
        worker.claim()
        worker.end("failed")
    driving.tick()


def test_a_sweep_is_read_with_its_trials_and_their_jobs(client: Client, sweep: Sweep):
    assert (sweep.status, sweep.trials, sweep.best) == ("running", (), None)
    driving.tick()
    found = client.sweeps.get(sweep.id)
    assert [(t.number, t.status) for t in found.trials] == [(0, "running"), (1, "running")]
    assert {job.id for job in client.jobs.list(sweep=sweep.id)} == {t.job_id for t in found.trials}
    assert client.jobs.get(found.trials[0].job_id or "").sweep_id == sweep.id
    assert [one.id for one in client.sweeps.list()] == [sweep.id]
    with pytest.raises(BadInput, match="no final job yet"):
        found.final_job()


def test_faults_come_with_pointers(client: Client, dataset_id: str):
    with pytest.raises(Invalid) as raised:
        client.sweeps.create(
            dataset=dataset_id, **FIELDS | {"space": {"optimizer.rate": SPACE["optimizer.learning_rate"]}}
        )
    assert [error.pointer for error in raised.value.errors] == ["/space/optimizer.rate"]


def test_waiting_gives_up_without_touching_the_sweep(sweep: Sweep):
    with pytest.raises(WaitTimeout, match="It goes on"):
        sweep.wait(timeout_seconds=0)
    assert sweep.refresh().status == "running"


def test_waiting_for_a_sweep_that_fails_says_why(sweep: Sweep):
    end_all(sweep)
    with pytest.raises(SweepUnsuccessful, match="No trial was completed: 2 failed"):
        sweep.wait(timeout_seconds=5)
    with pytest.raises(Conflict, match="Cannot cancel a sweep that is failed"):
        sweep.cancel()


def test_a_sweep_that_is_over_is_deleted_and_its_jobs_with_it(client: Client, sweep: Sweep):
    with pytest.raises(Conflict):
        sweep.delete()
    end_all(sweep)
    job_ids = [trial.job_id for trial in sweep.refresh().trials]
    sweep.delete(with_jobs=True)
    assert [*client.sweeps.list(), *client.jobs.list()] == []
    assert len(job_ids) == 2


def test_watching_gives_each_change_and_ends_with_the_sweep(sweep: Sweep):
    seen = []
    for state in sweep.watch():
        seen.append((state.status, len(state.trials)))
        if len(seen) == 1:
            driving.tick()
        elif state.status == "running":
            sweep.cancel()
    assert seen == [("running", 0), ("running", 2), ("cancelled", 2)]
