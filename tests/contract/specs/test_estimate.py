"""How long a training takes, with its basis; and the default recipe fitted into a time."""

from __future__ import annotations

import pytest

from contract.specs import Estimate, SpecInvalid, estimate, resolve
from contract.specs.pace import Measured, Pace
from tests.contract.specs.recipes.test_fine_tuning import AT_HAND, photographs, submitted

CPU = "cpu (x86_64, 2 threads)"


def measured(rate: float, *, architecture: str = "efficientnet_lite0", side: int = 160, other: float = 60) -> Pace:
    return Pace(CPU, (Measured(architecture, side, side, rate, other, 2_000_000_000),))


def estimated(pace: Pace, **body) -> Estimate:
    pack = photographs()
    spec, _ = submitted(pack, pace=pace, **body)
    return estimate(resolve(spec, pack, AT_HAND)[0], pack, pace)


def test_an_earlier_job_of_the_same_network_and_size_is_the_best_basis():
    found = estimated(measured(20.0))
    assert found.basis == "measured"
    assert found.train_seconds == pytest.approx(found.images_seen / 20, rel=0.01)
    assert found.seconds == pytest.approx(found.train_seconds + found.other_seconds)
    assert found.seconds_low < found.seconds < found.seconds_high
    assert found.memory_bytes == 2_000_000_000
    assert "1 earlier job of efficientnet_lite0 at 160 x 160 px" in found.how
    assert found.device == CPU


def test_other_sizes_are_scaled_by_their_pixels():
    found = estimated(measured(80.0, side=80))
    assert found.basis == "scaled"
    assert found.train_seconds == pytest.approx(found.images_seen / 20, rel=0.01)


def test_without_an_earlier_job_the_multiply_adds_tell_roughly():
    found = estimated(measured(20.0, architecture="resnet18"))
    assert found.basis == "multiply_adds"
    assert found.seconds_high > 3 * found.seconds_low
    assert "196 million multiply-adds" in found.how
    assert "no earlier job of efficientnet_lite0" in found.how


def test_a_control_costs_a_second_training():
    alone, both = estimated(measured(20.0)), estimated(measured(20.0), control=True)
    assert both.images_seen == 2 * alone.images_seen
    assert both.train_seconds == pytest.approx(2 * alone.train_seconds, abs=0.2)


def test_a_budget_that_is_long_enough_changes_nothing():
    plain, roomy = submitted(photographs()), submitted(photographs(), budget_seconds=100_000)
    assert roomy.spec.training == plain.spec.training
    assert "needed no change" in roomy.chosen.message


@pytest.mark.parametrize("seconds", [250, 400, 550])
def test_a_budget_shortens_the_training_until_it_fits(seconds):
    pace = measured(20.0)
    spec, chosen = submitted(photographs(), pace=pace, budget_seconds=seconds)
    found = estimated(pace, budget_seconds=seconds)
    assert found.seconds <= seconds
    assert spec.training.epochs < submitted(photographs(), pace=pace).spec.training.epochs
    assert f"the epochs from 6 to {spec.training.epochs}" in chosen.reasons[-1]
    longer = estimated(pace, budget_seconds=seconds, training={"epochs": spec.training.epochs})
    assert longer.seconds > 0.6 * seconds  # not much shorter than it had to be


def test_rather_than_train_next_to_nothing_images_are_made_smaller():
    spec, chosen = submitted(photographs(), pace=measured(20.0), budget_seconds=170)
    assert spec.training.image_size < 160
    assert "the image size from 160" in chosen.reasons[-1]


def test_a_budget_keeps_what_was_given():
    pace, given = measured(20.0), {"training": {"image_size": 160}}
    spec, _ = submitted(photographs(), pace=pace, budget_seconds=250, **given)
    assert spec.training.image_size == 160
    assert spec.training.epochs < 6
    smaller, _ = submitted(photographs(), pace=pace, budget_seconds=400, training={"epochs": 6})
    assert smaller.training.epochs == 6
    assert smaller.training.image_size < 160


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"budget_seconds": 30}, "budget_too_short"),
        ({"budget_seconds": 200, "training": {"epochs": 50, "image_size": 160}}, "budget_too_short"),
        ({"budget_seconds": 600, "recipe": "resnet20_short"}, "budget_with_recipe"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(body, code):
    with pytest.raises(SpecInvalid) as refused:
        submitted(photographs(), pace=measured(20.0), **body)
    assert [(found.pointer, found.code) for found in refused.value.violations] == [("/budget_seconds", code)]


def test_a_budget_is_spent_when_the_spec_is_resolved():
    pack = photographs()
    spec, _ = submitted(pack, budget_seconds=3_600)
    assert "budget_seconds" not in resolve(spec, pack, AT_HAND)[0].model_dump()
