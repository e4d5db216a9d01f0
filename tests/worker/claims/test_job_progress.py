"""How far a job is, as its customer sees it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.child.messages import Metrics, Progress, Started, Working
from contract.specs import Plan
from contract.specs.estimate import Part, Schedule
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


AFTER = (Part("evaluate", 10), Part("evaluate", 10), Part("export", 30))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("worker.claims.remaining.time.monotonic", lambda: now[0])
    return now


def test_all_of_the_job_counts_by_what_it_was_expected_to_take(clock):
    progress = JobProgress(PLAN, control=True, known={}, schedule=Schedule(50, AFTER))
    assert (progress.as_json()["eta_seconds"], progress.as_json()["fraction"]) == (100, 0)
    progress.on_progress(moved("main", 30))  # half a second a step, where 50/60 were expected
    assert (progress.as_json()["eta_seconds"], progress.as_json()["fraction"]) == (65, pytest.approx(15 / 80))
    progress.on_done("control")
    told = progress.as_json()
    assert (told["eta_seconds"], told["fraction"], told["step"]) == (50, pytest.approx(30 / 80), 60)


def test_parts_after_the_training_go_by_their_own_rate(clock):
    progress = JobProgress(PLAN, control=True, known={}, schedule=Schedule(60, AFTER))
    progress.on_done("control")
    progress.remaining.begin()
    clock[0] += 20
    progress.remaining.end()
    assert progress.as_json()["eta_seconds"] == 20 + 30  # the other evaluation takes as long as the first
    assert progress.as_json()["phase_fraction"] == 0
    progress.remaining.begin()
    progress.remaining.on_working(Working(activity="pgd", done=0, total=100))
    clock[0] += 5
    assert progress.as_json()["phase_fraction"] == pytest.approx((1 + 5 / 20) / 2)
    progress.remaining.on_working(Working(activity="pgd", done=5, total=100))
    assert progress.as_json()["eta_seconds"] == 95 + 30  # one a second: attacks take as long as they take
    clock[0] += 95
    progress.remaining.end()
    progress.remaining.begin()
    clock[0] += 300
    told = progress.as_json()
    assert 0 < told["eta_seconds"] <= 2  # late, and not over
    assert told["fraction"] == 0.99


def test_loss_and_newest_figure_are_told():
    progress = JobProgress(PLAN, control=True, known={})
    progress.on_progress(moved("main", 10))
    progress.on_metrics(measured("main", 0.7, 1))
    progress.on_metrics(measured("main", 0.6, 2))
    told = progress.as_json()
    assert (told["loss"], told["headline"]) == (1, {"metric": "val.top1_accuracy", "value": 0.6, "epoch": 2})
    progress.on_evaluated("test", {"top1_accuracy": 0.65})
    assert progress.as_json()["headline"]["metric"] == "test.top1_accuracy"
    progress.on_progress(moved("main", 11).model_copy(update={"loss": float("nan")}))
    assert progress.as_json()["loss"] is None


@given(
    st.booleans(),
    st.booleans(),
    st.lists(
        st.tuples(st.sampled_from(["main", "control"]), st.integers(0, 30), st.sampled_from(["progress", "resume"]))
    ),
)
def test_step_and_fraction_never_go_back(control, scheduled, history):
    expected = Schedule(60, AFTER) if scheduled else None
    progress = JobProgress(PLAN, control=control, known={}, schedule=expected)
    before = progress.as_json()
    for arm, step, kind in history:
        if arm == "control" and not control:
            continue
        if kind == "resume":
            progress = JobProgress(PLAN, control=control, known=progress.as_json(), schedule=expected)
            started = Started(arm=arm, step=step, steps=30, epochs=3, images_per_step=8, device="cpu", parameters=1)
            progress.on_started(started)
        else:
            progress.on_progress(moved(arm, step))
        now = progress.as_json()
        assert before["step"] <= now["step"] <= now["steps"]
        assert before["fraction"] <= now["fraction"] <= 1
        before = now
