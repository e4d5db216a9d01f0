"""The label is mixed with what was said an epoch ago, whatever was said since and however steps are divided."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from contract.specs.methods import PsKdSpec
from tests.trainer.tasks.classification.methods import slow
from tests.trainer.tasks.classification.methods.judging import DIMENSIONS, Scripted, batch, build, outputs
from trainer.tasks.classification.methods.ps_kd import progressive_targets

LABELS = torch.tensor([0, 1, 2, 3])
EPOCHS, STEPS = 4, 2  # two steps an epoch


def say(method, logits: torch.Tensor, positions: list[int], *, step: int, labels: torch.Tensor | None = None):
    """One step: the network says `logits` of the images at `positions`."""
    labels = LABELS[torch.tensor(positions) % 4] if labels is None else labels
    where = {"positions": torch.tensor(positions), "step": step, "epoch": step / STEPS, "epochs": EPOCHS}
    return method.judge(batch(labels, **where), Scripted(outputs(logits)))


def some(seed: int, count: int = 4) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 2, (count, 5)))


def slow_loss(logits, labels, before, weight: float) -> float:
    targets = [[weight * p for p in row] for row in before]
    for target, label in zip(targets, labels, strict=True):
        target[label] += 1 - weight
    return slow.soft_cross_entropy(logits, targets)


def test_loss_and_gradient_agree_with_a_slow_reference() -> None:
    method, earlier, later = build(PsKdSpec(alpha=0.6)), some(0), some(1)
    assert PsKdSpec.stateful
    earlier.requires_grad_()
    first = say(method, earlier, [0, 1, 2, 3], step=0).losses["loss"]
    assert first.item() == pytest.approx(slow.cross_entropy(earlier.tolist(), LABELS.tolist()), rel=1e-12)

    variable = later.clone().requires_grad_()
    found = say(method, variable, [1, 0, 1, 0], step=2).losses["loss"]  # the second epoch: weight .6 * 2 / 4
    found.backward()

    before, labels = [slow.softmax(earlier[at].tolist()) for at in (1, 0, 1, 0)], [1, 0, 1, 0]
    assert found.item() == pytest.approx(slow_loss(later.tolist(), labels, before, 0.3), rel=1e-12)
    expected = slow.gradient(lambda z: slow_loss(z, labels, before, 0.3), later.numpy())
    np.testing.assert_allclose(variable.grad.numpy(), expected, atol=1e-8)
    assert earlier.grad is None
    assert not method.said_2NK.requires_grad  # the memory holds no graph


def test_what_is_said_in_an_epoch_is_not_read_in_it() -> None:
    method = build(PsKdSpec())
    say(method, some(0), [0, 1, 2, 3], step=0)
    say(method, some(1), [0, 1, 2, 3], step=2)
    found = say(method, some(2), [2, 3, 0, 1], step=3).losses["loss"]
    before = [slow.softmax(some(0)[at].tolist()) if at < 2 else None for at in (2, 3, 0, 1)]
    before = [row or one_hot(at) for row, at in zip(before, (2, 3, 0, 1), strict=True)]
    assert found.item() == pytest.approx(slow_loss(some(2).tolist(), [2, 3, 0, 1], before, 0.4), rel=1e-12)


def one_hot(label: int) -> list[float]:
    return [float(k == label) for k in range(5)]


def test_kept_is_what_was_said_in_the_first_pass() -> None:
    method, said = build(PsKdSpec()), some(0)
    say(method, said, [7, 9, 9, 8], step=0)  # 9 comes in both passes, 8 in the second alone
    kept = method.said_2NK[0]
    torch.testing.assert_close(kept[[7, 9]], said[:2].softmax(1))
    assert kept.count_nonzero(dim=1).nonzero().flatten().tolist() == [7, 9]
    assert not method.said_2NK[1].any()


def test_an_image_that_was_left_out_is_read_as_two_epochs_earlier() -> None:
    method = build(PsKdSpec())
    for epoch, seen in enumerate([[0, 1, 2, 3], [0, 1, 2, 3], [2, 3, 2, 3]]):
        say(method, some(epoch), seen, step=STEPS * epoch)
    found = say(method, some(9), [0, 2, 0, 2], step=STEPS * 3).losses["loss"]
    before = [slow.softmax(some(epoch)[row].tolist()) for epoch, row in ((0, 0), (2, 0))] * 2
    assert found.item() == pytest.approx(slow_loss(some(9).tolist(), [0, 2, 0, 2], before, 0.8), rel=1e-12)


@given(st.lists(st.integers(0, 63), min_size=8, max_size=8, unique=True), st.integers(0, 99), st.integers(1, 3))
def test_memory_and_losses_do_not_depend_on_how_a_step_is_divided(positions: list[int], seed: int, cut: int) -> None:
    """The same image may come in both passes of a step, in one part or in two."""
    first, second = positions[:4], positions[2:6]
    whole, parts = build(PsKdSpec()), build(PsKdSpec())
    for step in range(6):
        logits, both = some(seed + step, 8), first + second
        expected = say(whole, logits, both, step=step).losses["loss"]
        found = 0.0
        for mine, share in ((slice(0, cut), cut / 4), (slice(cut, 4), 1 - cut / 4)):
            here = torch.cat([logits[:4][mine], logits[4:][mine]])
            found += share * say(parts, here, first[mine] + second[mine], step=step).losses["loss"].item()
        assert found == pytest.approx(expected.item(), rel=1e-12)
        assert torch.equal(whole.said_2NK, parts.said_2NK)


@given(st.integers(0, 99), st.floats(0, 1))
def test_targets_are_distributions(seed: int, weight: float) -> None:
    said = some(seed).softmax(1)
    said[1] = 0  # nothing was said of this one
    made = progressive_targets(LABELS, said, weight)
    np.testing.assert_allclose(made.sum(1).numpy(), 1)
    assert bool((made >= 0).all())
    assert made[1].tolist() == one_hot(1)


def test_state_is_saved_and_nothing_of_it_is_trained() -> None:
    method = build(PsKdSpec())
    assert list(method.state_dict()) == ["said_2NK"]
    assert not list(method.parameters())
    assert method.said_2NK.shape == (2, DIMENSIONS.samples, DIMENSIONS.classes)
