"""The learning rate at the steps where it turns, and which parameters take which share of it."""

import pytest
import torch
from torch import nn

from contract.specs import OptimizerSpec, Plan
from trainer.training.optimization import build_optimizer, hold_body, learning_rate, set_learning_rate

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


class Network(nn.Module):
    """Three layers of a body, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1))
        self.fc = nn.Linear(4, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.fc(self.layers(images).mean((2, 3)))


class Both(nn.Module):
    """As `Objective` has them: the network, and a layer that only the method has."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model, self.method = Network(), nn.Linear(4, 2)


def optimizer_of(both: Both, **settings) -> torch.optim.Optimizer:
    return build_optimizer(both, OptimizerSpec(**settings), head=("fc",))


def group_of(optimizer: torch.optim.Optimizer, parameter: nn.Parameter) -> dict:
    [found] = [group for group in optimizer.param_groups if any(parameter is one for one in group["params"])]
    return found


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_all_is_one_group_as_checkpoints_of_the_first_release_have_it(name):
    both = Both()
    [group] = optimizer_of(both, name=name).param_groups
    assert [id(p) for p in group["params"]] == [id(p) for p in both.parameters()]
    assert not {"head", "share"} & set(group)


def test_all_but_the_head_learn_at_their_share_of_the_rate():
    both = Both()
    optimizer = optimizer_of(both, backbone_share=0.1, layer_decay=0.125)
    set_learning_rate(optimizer, 0.8)
    layers = both.model.layers
    found = [group_of(optimizer, p)["lr"] for p in (layers[0].weight, layers[2].weight, layers[3].weight)]
    assert found == pytest.approx([0.01, 0.02, 0.04])
    assert group_of(optimizer, both.model.fc.weight)["lr"] == group_of(optimizer, both.method.weight)["lr"] == 0.8


def test_rates_are_spaced_geometrically_from_the_first_layer_to_the_head():
    both = Both()
    optimizer = optimizer_of(both, layer_decay=0.125)
    set_learning_rate(optimizer, 0.8)
    layers = both.model.layers
    found = [group_of(optimizer, p)["lr"] for p in (layers[0].weight, layers[2].weight, layers[3].weight)]
    assert found == pytest.approx([0.1, 0.2, 0.4])
    assert group_of(optimizer, layers[1].weight)["lr"] == group_of(optimizer, layers[0].bias)["lr"] == found[0]
    assert group_of(optimizer, both.model.fc.weight)["lr"] == group_of(optimizer, both.method.weight)["lr"] == 0.8
    assert optimizer.param_groups[0]["lr"] == 0.8  # the one that is reported


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_norms_and_biases_are_not_decayed_where_that_is_switched_off(name):
    both = Both()
    optimizer = optimizer_of(both, name=name, weight_decay=0.3, decay_norms_and_biases=False)
    decays = {key: group_of(optimizer, p)["weight_decay"] for key, p in both.named_parameters()}
    assert {key for key, decay in decays.items() if decay} == {
        *(f"model.layers.{place}.weight" for place in (0, 2, 3)),
        "model.fc.weight",
        "method.weight",
    }
    assert set(decays.values()) == {0.0, 0.3}


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_the_body_waits_until_the_head_is_warm(name):
    both, spec = Both(), OptimizerSpec(name=name, head_warmup_epochs=1)
    optimizer = build_optimizer(both, spec, head=("fc",))
    for step in range(PLAN.steps_per_epoch + 1):
        before = {key: p.detach().clone() for key, p in both.named_parameters()}
        optimizer.zero_grad()
        (both.model(torch.rand(8, 3, 2, 2)).square().sum() + both.method.weight.square().sum()).backward()
        hold_body(optimizer, spec, PLAN, step)
        optimizer.step()
        moved = {key for key, p in both.named_parameters() if not torch.equal(p, before[key])}
        assert {"model.fc.weight", "method.weight"} <= moved
        assert ("model.layers.0.weight" in moved) == (step >= PLAN.steps_per_epoch)
