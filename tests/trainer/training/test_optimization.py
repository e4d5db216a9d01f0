"""The learning rate at the steps where it turns."""

import pytest

from contract.specs import OptimizerSpec, Plan
from trainer.training.optimization import learning_rate

PLAN = Plan(groups=8, members=2, steps_per_epoch=10, epochs=8)


def rates(**settings) -> list[float]:
    spec = OptimizerSpec(**({"learning_rate": 0.2, "milestones": (4, 6)} | settings))
    return [learning_rate(spec, PLAN, step) for step in range(PLAN.steps)]


def test_step_schedule_divides_by_ten_after_each_milestone():
    found = rates(schedule="step")
    assert found[39:41] == pytest.approx([0.2, 0.02])
    assert found[59:61] == pytest.approx([0.02, 0.002])


def test_cosine_falls_from_the_full_rate_to_nearly_nothing():
    found = rates(schedule="cosine")
    assert found[0] == 0.2
    assert found[40] == pytest.approx(0.1)
    assert 0 < found[-1] < 2e-4
    assert found == sorted(found, reverse=True)


def test_constant_stays():
    assert set(rates(schedule="constant")) == {0.2}


@pytest.mark.parametrize("schedule", ["step", "cosine", "constant"])
def test_warm_up_rises_linearly_to_the_full_rate(schedule):
    found = rates(schedule=schedule, warmup_epochs=2)
    assert found[:20] == pytest.approx([0.2 * step / 20 for step in range(1, 21)])
    assert found[20] == pytest.approx(0.2)


def test_warm_up_longer_than_the_training_never_divides_by_zero():
    assert rates(schedule="cosine", warmup_epochs=50)[-1] == pytest.approx(0.2 * 80 / 500)


def test_milestones_must_be_resolved():
    with pytest.raises(TypeError, match="milestones are not resolved"):
        rates(schedule="step", milestones="auto")
