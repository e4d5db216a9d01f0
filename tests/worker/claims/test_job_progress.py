"""How far a job is, as its customer sees it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.child.messages import Metrics, Progress, Started
from contract.specs import Plan
from worker.claims.job_progress import JobProgress

PLAN = Plan(groups=4, members=2, steps_per_epoch=10, epochs=3)


def moved(arm: str, step: int) -> Progress:
    epoch = max(1, -(-step // 10))
    return Progress(arm=arm, step=step, epoch=epoch, images_per_second=80, seconds_per_epoch=5, loss=1)


def measured(arm: str, value: float, epoch: int) -> Metrics:
    return Metrics(arm=arm, step=epoch * 10, epoch=epoch, values={"val.top1_accuracy": value})


def test_steps_count_over_both_arms():
    progress = JobProgress(PLAN, control=True, known={})
    progress.on_progress(moved("main", 15))
    assert (progress.as_json()["step"], progress.as_json()["steps"], progress.as_json()["fraction"]) == (15, 60, 0.25)
    progress.on_progress(moved("control", 15))
    assert (progress.as_json()["step"], progress.as_json()["fraction"]) == (45, 0.75)


def test_each_arm_counts_its_own_epochs():
    progress = JobProgress(PLAN, control=True, known={})
    progress.on_progress(moved("main", 30))
    progress.on_progress(moved("control", 1))
    assert progress.as_json()["epoch"] == 1


def test_time_left_is_of_both_arms_and_of_steps_to_be_done_again():
    progress = JobProgress(PLAN, control=True, known={"step": 20})
    progress.on_progress(moved("main", 10))
    assert progress.as_json()["eta_seconds"] == pytest.approx(50 * 0.5)
    assert progress.as_json()["step"] == 20


def test_time_left_is_unknown_before_the_first_step():
    progress = JobProgress(PLAN, control=False, known={})
    assert progress.as_json()["eta_seconds"] is None


def test_best_is_of_the_main_arm_and_outlives_a_resume():
    progress = JobProgress(PLAN, control=True, known={})
    for message in (measured("main", 0.7, 1), measured("main", 0.6, 2), measured("control", 0.9, 1)):
        progress.on_metrics(message)
    best = {"metric": "val.top1_accuracy", "value": 0.7, "epoch": 1}
    assert progress.as_json()["best"] == best
    assert JobProgress(PLAN, control=True, known=progress.as_json()).as_json()["best"] == best


def test_end_of_an_arm_that_had_nothing_left_to_train_counts_its_steps():
    progress = JobProgress(PLAN, control=True, known={})
    progress.on_done("main")
    assert progress.as_json()["step"] == 30


@given(
    st.booleans(),
    st.lists(
        st.tuples(st.sampled_from(["main", "control"]), st.integers(0, 30), st.sampled_from(["progress", "resume"]))
    ),
)
def test_step_and_fraction_never_go_back(control, history):
    progress = JobProgress(PLAN, control=control, known={})
    before = progress.as_json()
    for arm, step, kind in history:
        if arm == "control" and not control:
            continue
        if kind == "resume":
            progress = JobProgress(PLAN, control=control, known=progress.as_json())
            started = Started(arm=arm, step=step, steps=30, epochs=3, images_per_step=8, device="cpu", parameters=1)
            progress.on_started(started)
        else:
            progress.on_progress(moved(arm, step))
        now = progress.as_json()
        assert before["step"] <= now["step"] <= now["steps"]
        assert before["fraction"] <= now["fraction"] <= 1
        before = now
