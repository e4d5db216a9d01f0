"""The driver of sweeps on real Postgres: what it asks for, what it survives, what it prunes and how it ends."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from optuna.trial import TrialState
from sqlalchemy import select, text

from core import queue, removals
from core.database.database import transaction
from core.errors import InUse
from core.jobs import ledger as job_ledger
from core.jobs import requests as job_requests
from core.sweeps import ledger, requests
from core.sweeps.spec import SweepSpec
from core.tables import JobEvent, Sweep
from tests.servers.postgres import PostgresServer
from tests.worker import seed, sweeping
from tests.worker.sweeping import claim, fail, finish, jobs, publish, reach, read, sweep, trials
from worker.claims.ledger_writes import LedgerAway
from worker.sweeps import driving, studies
from worker.sweeps.studies import Study


def states(sweep_id: str) -> list[TrialState]:
    """What Optuna's own tables hold."""
    study = Study(sweep_id, SweepSpec.model_validate(read(sweep_id).spec))
    return [trial.state for trial in study._trials()]


def statuses(sweep_id: str) -> list[str]:
    return [trial.status for trial in trials(sweep_id)]


def end_all(sweep_id: str, *accuracies: float) -> None:
    """Drive the sweep, ending its trials one by one with these accuracies."""
    for accuracy in accuracies:
        driving.tick()
        finish(next(t.job_id for t in trials(sweep_id) if t.status == "running"), accuracy)
    driving.tick()


def test_trials_fill_the_places_and_never_read_the_test_split(version):
    sweep_id = sweep(version, spec={"exports": [{"format": "onnx", "precision": "int8"}], "control": True})
    driving.tick()
    driving.tick()
    assert statuses(sweep_id) == ["running"] * 2
    for trial, job in zip(trials(sweep_id), jobs(sweep_id), strict=True):
        assert (job.id, job.sweep_id, job.status) == (trial.job_id, sweep_id, "queued")
        assert job.resolved["optimizer"]["learning_rate"] == trial.params["optimizer.learning_rate"]
        assert (job.resolved["evaluation"]["test"], job.resolved["exports"], job.resolved["control"]) == (
            False,
            [],
            False,
        )
    assert queue.depth("train") == 2


def test_best_trial_is_submitted_once_with_the_test_split_and_the_exports(version):
    sweep_id = sweep(version, spec={"exports": [{"format": "onnx", "precision": "int8"}]}, labels={"a": "b"})
    end_all(sweep_id, 0.5, 0.8, 0.6)
    driving.tick()
    found, best = read(sweep_id), trials(sweep_id)[1]
    assert (found.status, found.best_number, best.value, best.epochs) == ("running", 1, 0.8, 4)
    assert statuses(sweep_id) == ["complete"] * 3
    assert states(sweep_id) == [TrialState.COMPLETE] * 3
    (final,) = [job for job in jobs(sweep_id) if job.id not in {t.job_id for t in trials(sweep_id)}]
    assert final.id == found.final_job_id
    assert final.resolved["optimizer"]["learning_rate"] == best.params["optimizer.learning_rate"]
    assert (final.resolved["evaluation"]["test"], final.labels) == (True, {"a": "b"})
    assert [export["precision"] for export in final.resolved["exports"]] == ["int8"]
    finish(final.id, 0.8)
    driving.tick()
    assert (read(sweep_id).status, read(sweep_id).error) == ("succeeded", None)
    assert len(jobs(sweep_id)) == 4


def test_lower_is_better_for_nll(version):
    sweep_id = sweep(version, metric="val.nll")
    end_all(sweep_id, 0.5, 0.8, 0.6)
    assert (read(sweep_id).best_number, trials(sweep_id)[1].value) == (1, pytest.approx(0.2))


def test_values_follow_from_the_seed_alone(version):
    first, second, other = (sweep(version, seed=s, max_concurrent=3) for s in (1, 1, 2))
    driving.tick()
    params = [[trial.params for trial in trials(s)] for s in (first, second, other)]
    assert params[0] == params[1] != params[2]
    assert len({p["optimizer.learning_rate"] for p in params[0]}) == 3


@pytest.mark.parametrize("at", ["asked", "half suggested", "submitted"])
def test_crash_between_asking_and_committing_neither_loses_nor_doubles_a_trial(version, monkeypatch, at: str):
    space = {"optimizer.learning_rate": sweeping.RATE, "method.kd_weight": {"type": "categorical", "values": [0.1, 1]}}
    undisturbed = sweep(version, space=space)
    driving.drive(undisturbed)
    sweep_id = sweep(version, space=space)
    calls = []
    suggest, begin, params = Study._suggest, ledger.begin, Study.params

    def breaking(real, when):
        def wrapped(*arguments, **named):
            calls.append(1)
            if at == "submitted":
                real(*arguments, **named)
            if len(calls) == when:
                raise ConnectionResetError
            return None if at == "submitted" else real(*arguments, **named)

        return wrapped

    with monkeypatch.context() as broken:
        if at == "asked":
            broken.setattr(Study, "params", breaking(params, 1))
        elif at == "half suggested":
            broken.setattr(Study, "_suggest", breaking(suggest, 2))
        else:
            broken.setattr(ledger, "begin", breaking(begin, 1))
        with pytest.raises(ConnectionResetError):
            driving.drive(sweep_id)
    assert trials(sweep_id) == jobs(sweep_id) == []
    assert states(sweep_id) == [TrialState.RUNNING]
    driving.tick()
    assert [t.params for t in trials(sweep_id)] == [t.params for t in trials(undisturbed)]
    assert len(jobs(sweep_id)) == len(states(sweep_id)) == 2


def test_only_one_drives_a_sweep_at_a_time(version):
    sweep_id = sweep(version)
    with transaction() as session:
        session.execute(select(Sweep).where(Sweep.id == sweep_id).with_for_update())
        driving.tick()
    assert trials(sweep_id) == []
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: driving.tick(), range(8)))
    assert len(trials(sweep_id)) == len(jobs(sweep_id)) == len(states(sweep_id)) == 2


def test_number_beyond_the_last_is_given_up(version):
    """A driver whose lock was lost may have asked once too often."""
    sweep_id = sweep(version, trials=1)
    study = Study(sweep_id, SweepSpec.model_validate(read(sweep_id).spec))
    assert [study.ask(), study.ask()] == [0, 1]
    driving.tick()
    finish(trials(sweep_id)[0].job_id, 0.5)
    driving.tick()
    assert states(sweep_id) == [TrialState.COMPLETE, TrialState.FAIL]
    assert len(trials(sweep_id)) == 1


def test_trial_that_is_behind_is_pruned_and_its_place_filled(version):
    sweep_id = sweep(version, algorithm="asha", asha={"min_epochs": 2, "reduction_factor": 2})
    driving.tick()
    good, bad = (claim(trial.job_id) for trial in trials(sweep_id))
    for epoch in (1, 2):
        reach(good, epoch, 0.8)
    driving.tick()
    for epoch in (1, 2, 3):
        reach(bad, epoch, 0.2)
    driving.tick()
    assert statuses(sweep_id) == ["running", "pruned", "running"]
    pruned = trials(sweep_id)[1]
    assert (pruned.value, pruned.epochs) == (0.2, 2)
    assert states(sweep_id) == [TrialState.RUNNING, TrialState.PRUNED, TrialState.RUNNING]
    with transaction() as session:
        assert job_ledger.record(session, bad).cancel
        job_ledger.end(session, bad, "cancelled", reason="cancelled by request")
        query = select(JobEvent.data["reason"].astext).where(JobEvent.job_id == bad.job_id, JobEvent.type == "status")
        reasons = list(session.scalars(query.order_by(JobEvent.seq)))
    assert reasons[-1].startswith("pruned: behind the other trials at epoch 2")
    driving.tick()
    assert statuses(sweep_id)[1] == "pruned"


@pytest.mark.slow
def test_restart_of_postgres_is_survived(version, postgres_server: PostgresServer):
    sweep_id = sweep(version)
    driving.tick()
    finish(trials(sweep_id)[0].job_id, 0.5)
    postgres_server.restart()
    with contextlib.suppress(LedgerAway):  # a connection that died with it
        driving.tick()
    driving.tick()
    assert statuses(sweep_id) == ["complete", "running", "running"]
    assert states(sweep_id) == [TrialState.COMPLETE, TrialState.RUNNING, TrialState.RUNNING]


def test_random_search_prunes_nothing(version):
    sweep_id = sweep(version)
    driving.tick()
    for trial, accuracy in zip(trials(sweep_id), (0.8, 0.1), strict=True):
        held = claim(trial.job_id)
        for epoch in (1, 2, 3):
            reach(held, epoch, accuracy)
    driving.tick()
    assert [(t.status, t.epochs, t.value) for t in trials(sweep_id)] == [("running", 3, 0.8), ("running", 3, 0.1)]


def test_verdict_on_a_trial_that_is_through_is_void(version):
    """All of it happened between two looks: a whole training is worth more than what it would have saved."""
    sweep_id = sweep(version, algorithm="asha", asha={"reduction_factor": 2})
    driving.tick()
    good, bad = trials(sweep_id)
    finish(good.job_id, 0.8)
    finish(bad.job_id, 0.2)
    driving.tick()
    assert [(t.status, t.value) for t in trials(sweep_id)[:2]] == [("complete", 0.8), ("complete", 0.2)]


def test_last_epoch_prunes_nothing(version):
    sweep_id = sweep(version, algorithm="asha", asha={"min_epochs": 1, "reduction_factor": 2}, max_concurrent=3)
    driving.tick()
    first, _, third = (claim(trial.job_id) for trial in trials(sweep_id))
    for epoch in range(1, 5):
        reach(first, epoch, 0.1 * epoch)
    driving.tick()
    for epoch in range(1, 5):
        reach(third, epoch, 0.5 if epoch < 4 else 0.0)
    driving.tick()
    assert statuses(sweep_id) == ["running"] * 3


def test_crash_after_optunas_verdict_leaves_the_trial_running(version, monkeypatch):
    sweep_id = sweep(version, algorithm="asha", asha={"min_epochs": 1, "reduction_factor": 2})
    driving.tick()
    good, bad = (claim(trial.job_id) for trial in trials(sweep_id))
    reach(good, 1, 0.8)
    driving.tick()
    reach(bad, 1, 0.2)
    with monkeypatch.context() as broken:
        broken.setattr(ledger, "prune", lambda *_: (_ for _ in ()).throw(ConnectionResetError()))
        with pytest.raises(ConnectionResetError):
            driving.drive(sweep_id)
    reach(good, 2, 0.9)
    driving.tick()
    assert statuses(sweep_id) == ["running", "running"]
    reach(bad, 2, 0.2)
    driving.tick()
    assert statuses(sweep_id)[:2] == ["running", "pruned"]


def test_failed_trials_are_told_and_the_search_goes_on(version):
    sweep_id = sweep(version)
    driving.tick()
    first, second = trials(sweep_id)
    fail(first.job_id)
    with transaction() as session:
        job_requests.cancel(session, version.tenant_id, second.job_id)
    driving.tick()
    assert statuses(sweep_id) == ["failed", "cancelled", "running"]
    assert trials(sweep_id)[0].reason == "loss_nan: the loss is lost"
    assert states(sweep_id) == [TrialState.FAIL, TrialState.FAIL, TrialState.RUNNING]
    finish(trials(sweep_id)[2].job_id, 0.5)
    driving.tick()
    assert read(sweep_id).final_job_id is not None


def test_sweep_whose_trials_all_fail_fails_with_the_reason(version):
    sweep_id = sweep(version)
    for number in range(3):
        driving.tick()
        fail(trials(sweep_id)[number].job_id)
    driving.tick()
    found = read(sweep_id)
    assert (found.status, found.error["code"], found.final_job_id) == ("failed", "no_trial_complete", None)
    assert "3 failed. The last one: loss_nan: the loss is lost" in found.error["message"]


def test_values_that_cannot_go_together_are_a_failed_trial_without_a_job(version):
    space = {
        "method.name": {"type": "categorical", "values": ["cross_entropy"]},
        "method.kd_weight": {"type": "float", "low": 0.1, "high": 1},
    }
    sweep_id = sweep(version, space=space)
    driving.tick()
    assert statuses(sweep_id) == ["failed"] * 3
    assert trials(sweep_id)[0].reason.startswith("/method/kd_weight: ")
    assert jobs(sweep_id) == []
    assert states(sweep_id) == [TrialState.FAIL] * 3
    assert read(sweep_id).status == "failed"


def test_deleted_job_is_a_failed_trial(version):
    sweep_id = sweep(version)
    driving.tick()
    job_id = trials(sweep_id)[0].job_id
    fail(job_id)
    with transaction() as session:
        job_requests.delete(session, version.tenant_id, job_id)
    driving.tick()
    assert (trials(sweep_id)[0].status, trials(sweep_id)[0].reason) == ("failed", "its job was deleted")


@pytest.mark.parametrize("ending", ["failed", "deleted"])
def test_final_job_that_ends_badly_fails_the_sweep_and_is_not_repeated(version, ending: str):
    sweep_id = sweep(version, trials=1)
    end_all(sweep_id, 0.5)
    job_id = read(sweep_id).final_job_id
    fail(job_id)
    if ending == "deleted":
        with transaction() as session:
            job_requests.delete(session, version.tenant_id, job_id)
    driving.tick()
    found = read(sweep_id)
    assert (found.status, found.error["code"]) == ("failed", "final_job_failed")
    driving.tick()
    assert len(jobs(sweep_id)) == (2 if ending == "failed" else 1)


def test_cancelled_sweep_cancels_its_jobs_and_is_driven_no_more(version):
    sweep_id = sweep(version)
    driving.tick()
    first, second = trials(sweep_id)
    held = claim(first.job_id)
    with transaction() as session:
        requests.cancel(session, version.tenant_id, sweep_id)
    driving.tick()
    assert (read(sweep_id).status, statuses(sweep_id)) == ("cancelled", ["cancelled"] * 2)
    assert seed.read(second.job_id).status == "cancelled"
    with transaction() as session:
        assert job_ledger.record(session, held).cancel


def test_trial_that_had_ended_counts_though_the_sweep_is_cancelled_first(version):
    sweep_id = sweep(version)
    driving.tick()
    held = claim(trials(sweep_id)[0].job_id)
    publish(held, 0.7)
    with transaction() as session:
        requests.cancel(session, version.tenant_id, sweep_id)
    assert [(t.status, t.value) for t in trials(sweep_id)] == [("complete", 0.7), ("cancelled", None)]


def test_dataset_of_a_running_sweep_stays(version):
    sweep_id = sweep(version)
    with transaction() as session:
        dataset = removals.hold(session, version.tenant_id, version.dataset_id)
        with pytest.raises(InUse, match=sweep_id):
            removals.delete_dataset(session, dataset, force=False)


def test_optunas_tables_are_made_once_by_many(version):
    studies._storage.cache_clear()
    with transaction() as session:
        session.execute(text("DROP SCHEMA optuna CASCADE"))
        session.execute(text("CREATE SCHEMA optuna"))
    with ThreadPoolExecutor(6) as pool:
        made = [pool.submit(studies._storage.__wrapped__) for _ in range(6)]
    assert {one.result().get_current_version() for one in made} == {made[0].result().get_head_version()}
    for one in made:
        one.result().engine.dispose()
    studies._storage.cache_clear()
    sweep_id = sweep(version)
    driving.tick()
    assert len(trials(sweep_id)) == 2
