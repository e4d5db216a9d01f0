"""What was said of an image a step ago teaches it now, at its place in the step, however steps are divided."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from contract.specs.methods import DlbSpec
from tests.trainer.tasks.classification.methods import slow
from tests.trainer.tasks.classification.methods.judging import DIMENSIONS, Scripted, batch, build, draw, outputs

GROUPS = 3
HERE = replace(DIMENSIONS, groups=GROUPS)


def say(method, logits: torch.Tensor, labels: torch.Tensor, *, step: int, part: slice = slice(None)):
    asked = replace(batch(labels, step=step), draw=draw(GROUPS, part=part))
    return method.judge(asked, Scripted(outputs(logits)))


def some(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.normal(0, 2, (2 * GROUPS, 5))), torch.from_numpy(random.integers(0, 5, 2 * GROUPS))


def slow_loss(logits, labels, remembered, spec: DlbSpec) -> float:
    again = slow.distillation(logits[GROUPS:], remembered, spec.temperature)
    return slow.cross_entropy(logits, labels) + spec.kd_weight * again


@pytest.mark.parametrize("spec", [DlbSpec(), DlbSpec(temperature=1.5, kd_weight=0.4)])
def test_loss_and_gradient_agree_with_a_slow_reference(spec: DlbSpec) -> None:
    method, (earlier, _), (now, labels) = build(spec, HERE), some(0), some(1)
    earlier.requires_grad_()
    say(method, earlier, labels, step=4)
    variable = now.clone().requires_grad_()
    found = say(method, variable, labels, step=5).losses
    found["loss"].backward()

    remembered = earlier.detach().numpy()[:GROUPS]
    assert found["loss"].item() == pytest.approx(slow_loss(now.numpy(), labels.numpy(), remembered, spec), rel=1e-12)
    expected = slow.gradient(lambda z: slow_loss(z, labels.numpy(), remembered, spec), now.numpy())
    np.testing.assert_allclose(variable.grad.numpy(), expected, atol=1e-8)
    assert earlier.grad is None
    assert not method.said_2GK.requires_grad  # the memory holds no graph


def test_the_very_first_step_has_nothing_to_remember() -> None:
    logits, labels = some(0)
    found = say(build(DlbSpec(), HERE), logits, labels, step=0).losses
    assert found["loss"].item() == pytest.approx(slow.cross_entropy(logits.numpy(), labels.numpy()))
    assert "kd_loss" not in found


@given(st.integers(0, 99), st.integers(1, GROUPS - 1), st.integers(1, GROUPS - 1))
def test_memory_does_not_depend_on_how_steps_are_divided(seed: int, cut: int, later_cut: int) -> None:
    whole, parts = build(DlbSpec(), HERE), build(DlbSpec(), HERE)
    for step, edge in enumerate([cut, later_cut, cut]):
        logits, labels = some(seed + step)
        expected = say(whole, logits, labels, step=step).losses["loss"]
        found = 0.0
        for mine in (slice(0, edge), slice(edge, GROUPS)):
            z, y = (values.unflatten(0, (2, GROUPS))[:, mine].flatten(0, 1) for values in (logits, labels))
            share = (mine.stop - mine.start) / GROUPS
            found += share * say(parts, z, y, step=step, part=mine).losses["loss"].item()
        assert found == pytest.approx(expected.item(), rel=1e-12)
        assert torch.equal(whole.said_2GK, parts.said_2GK)


def test_a_step_that_is_tried_again_remembers_the_step_before_it() -> None:
    method, (logits, labels) = build(DlbSpec(), HERE), some(1)
    say(method, some(0)[0], labels, step=0)
    first, second = (say(method, logits, labels, step=1).losses["loss"].item() for _ in range(2))
    assert first == second


def test_state_is_saved_and_nothing_of_it_is_trained() -> None:
    method = build(DlbSpec(), HERE)
    assert DlbSpec.stateful
    assert list(method.state_dict()) == ["said_2GK"]
    assert not list(method.parameters())
