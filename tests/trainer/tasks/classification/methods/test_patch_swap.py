"""The swap as a property of pixels, the loss against a slow reference in float64."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from contract.specs import PatchSwapOnlySpec, PatchSwapSpec
from tests.trainer.tasks.classification.methods.judging import Scripted, batch, build, draw, judge, outputs
from trainer.methods.patches import draw_patches, swap_patches
from trainer.tasks.classification.methods.patch_swap import PatchSwap
from trainer.training.step_parts import divide

DIRECTIONS = ("symmetric", "confident_to_weak", "one_way")


@st.composite
def batches(draw):
    """Images of n pairs, rectangular too, and a patch size that divides them."""
    patch = draw(st.integers(1, 9))
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(2, 5))
    pairs, channels = draw(st.integers(1, 6)), draw(st.sampled_from([1, 3]))
    seed = draw(st.integers(0, 2**32 - 1))
    shape = (2 * pairs, channels, rows * patch, columns * patch)
    images = torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))
    return images, patch, seed


def swapped(images: torch.Tensor, *, patch: int, probability: float, seed: int) -> torch.Tensor:
    result = images.clone()
    spec = PatchSwapSpec(patch_size=patch, swap_probability=probability)
    PatchSwap(spec).prepare(result, None, draw(len(images) // 2, seed=seed))
    return result


@given(batches())
def test_swap_keeps_each_pairs_pixels_position_by_position(batch):
    images, patch, seed = batch
    result = swapped(images, patch=patch, probability=1.0, seed=seed)
    for image, partner, new, new_partner in zip(*images.chunk(2), *result.chunk(2), strict=True):
        kept = (new == image) & (new_partner == partner)
        exchanged = (new == partner) & (new_partner == image)
        assert bool((kept | exchanged).all())


@given(batches())
def test_swap_exchanges_whole_patches_and_neither_none_nor_all(batch):
    images, patch, seed = batch
    images[: len(images) // 2] = 0
    images[len(images) // 2 :] = 1
    first = swapped(images, patch=patch, probability=1.0, seed=seed).chunk(2)[0][:, 0]
    cells = first.unfold(1, patch, patch).unfold(2, patch, patch).flatten(3)  # pairs, rows, columns, pixels
    assert bool((cells == cells[..., :1]).all())
    exchanged = cells[..., 0].flatten(1).sum(1)
    assert bool((exchanged >= 1).all())
    assert bool((exchanged < cells[0, ..., 0].numel()).all())


@given(batches())
def test_swap_with_probability_0_is_the_identity(batch):
    images, patch, seed = batch
    assert torch.equal(swapped(images, patch=patch, probability=0.0, seed=seed), images)


@given(batches())
def test_swap_twice_with_one_mask_is_the_identity(batch):
    images, patch, seed = batch
    rows, columns = (side // patch for side in images.shape[-2:])
    marked = draw_patches(len(images) // 2, rows * columns, np.random.default_rng(seed))
    mask = marked.reshape(-1, rows, columns)
    result = images.clone()
    for _ in range(2):
        swap_patches(*result.chunk(2), mask)
    assert torch.equal(result, images)


def test_number_of_patches_is_uniform_and_every_patch_is_as_likely():
    marked = draw_patches(40_000, 9, np.random.default_rng(0))
    counts = np.bincount(marked.sum(1), minlength=10)
    assert counts[0] == counts[9] == 0
    np.testing.assert_allclose(counts[1:9] / 40_000, 1 / 8, atol=0.01)
    np.testing.assert_allclose(marked.mean(0), 0.5, atol=0.01)


def test_swap_probability_is_per_pair():
    images = torch.zeros(8000, 1, 4, 4, dtype=torch.uint8)
    images[4000:] = 1
    first = swapped(images, patch=2, probability=0.3, seed=0)[:4000]
    assert (first.flatten(1).amax(1) == 1).float().mean().item() == pytest.approx(0.3, abs=0.03)


def test_nothing_is_swapped_in_the_closing_share():
    spec = PatchSwapSpec(patch_size=2, swap_probability=1.0, closing_share=0.25)
    images = torch.zeros(8, 1, 4, 4, dtype=torch.uint8)
    images[4:] = 1
    for progress, is_swapped in [(0.0, True), (0.74, True), (0.75, False), (0.99, False)]:
        result = images.clone()
        PatchSwap(spec).prepare(result, None, draw(4, progress=progress))
        assert torch.equal(result, images) != is_swapped


def slow_losses(logits, labels, *, temperature, direction):
    """Cross-entropy and distillation of Choi et al. 2025 with loops and math.log, pair by pair."""

    def softmax(row, heat=1.0):
        exponentials = [math.exp(value / heat) for value in row]
        return [value / sum(exponentials) for value in exponentials]

    def divergence(teacher, student):
        pairs = zip(softmax(teacher, temperature), softmax(student, temperature), strict=True)
        return sum(p * math.log(p / q) for p, q in pairs)

    pairs = len(logits) // 2
    entropy = distillation = 0.0
    for a, b, label in zip(logits[:pairs], logits[pairs:], labels, strict=False):
        entropy -= (math.log(softmax(a)[label]) + math.log(softmax(b)[label])) / 2
        if direction == "symmetric":
            distillation += divergence(a, b) + divergence(b, a)
        elif direction == "one_way" or softmax(a)[label] >= softmax(b)[label]:
            distillation += divergence(a, b)
        else:
            distillation += divergence(b, a)
    return entropy / pairs, temperature**2 * distillation / pairs


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_loss_agrees_with_a_slow_reference(direction, temperature):
    random = np.random.default_rng(3)
    logits, labels = random.normal(0, 3, (14, 5)), np.tile(random.integers(0, 5, 7), 2)
    spec = PatchSwapSpec(patch_size=2, temperature=temperature, ce_weight=0.7, kd_weight=1.3, kd_direction=direction)
    found = judge(build(spec), torch.from_numpy(logits), torch.from_numpy(labels)).losses
    entropy, distillation = slow_losses(logits.tolist(), labels.tolist(), temperature=temperature, direction=direction)
    assert found["ce_loss"].item() == pytest.approx(entropy, rel=1e-12)
    assert found["kd_loss"].item() == pytest.approx(distillation, rel=1e-12)
    assert found["loss"].item() == pytest.approx(0.7 * entropy + 1.3 * distillation, rel=1e-12)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_gradient_flows_into_the_student_alone(direction):
    """Numerically: d loss / d logits with the teachers held fixed equals the autograd gradient."""
    random = np.random.default_rng(4)
    logits = random.normal(0, 2, (6, 4))
    labels = np.tile(random.integers(0, 4, 3), 2)
    spec = PatchSwapSpec(patch_size=2, ce_weight=0.0, kd_weight=1.0, kd_direction=direction)
    variable = torch.from_numpy(logits.copy()).requires_grad_()
    judge(build(spec), variable, torch.from_numpy(labels)).losses["loss"].backward()

    expected = np.zeros_like(logits)
    for pair in range(3):
        a, b = logits[pair], logits[pair + 3]
        a_teaches = direction in ("symmetric", "one_way")
        b_teaches = direction == "symmetric"
        if direction == "confident_to_weak":
            a_teaches = _softmax(a)[labels[pair]] >= _softmax(b)[labels[pair]]
            b_teaches = not a_teaches
        # d/dz T^2 KL(p || softmax(z / T)) = T (softmax(z / T) - p)
        expected[pair + 3] += a_teaches * 4 * (_softmax(b / 4) - _softmax(a / 4)) / 3
        expected[pair] += b_teaches * 4 * (_softmax(a / 4) - _softmax(b / 4)) / 3
    np.testing.assert_allclose(variable.grad.numpy(), expected, atol=1e-12)


def _softmax(row):
    return np.exp(row) / np.exp(row).sum()


def test_patch_swap_only_is_cross_entropy_on_swapped_pairs():
    spec = PatchSwapOnlySpec(patch_size=2, swap_probability=1.0)
    method = build(spec)
    logits, labels = torch.randn(8, 3), torch.tensor([0, 1, 2, 0] * 2)
    found = judge(method, logits, labels).losses
    assert spec.arrangement == "pairs"
    assert found["loss"].item() == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item())
    assert "kd_loss" not in found
    images = torch.arange(4 * 16, dtype=torch.uint8).view(4, 1, 4, 4)
    changed = images.clone()
    method.prepare(changed, None, draw(2))
    assert not torch.equal(changed, images)


def test_weight_of_the_distillation_grows_over_its_warm_up():
    method = build(PatchSwapSpec(patch_size=2, kd_weight=2.0, kd_warmup_epochs=4))
    logits, labels = torch.randn(8, 5, dtype=torch.float64), torch.tensor([0, 1, 2, 0] * 2)

    def weight(epoch: float) -> float:
        found = method.judge(batch(labels, epoch=epoch), Scripted(outputs(logits))).losses
        return ((found["loss"] - found["ce_loss"]) / found["kd_loss"]).item()

    assert [weight(epoch) for epoch in (0, 1, 2.5, 4, 9)] == pytest.approx([0, 0.5, 1.25, 2, 2])


@given(batches(), st.integers(1, 4))
def test_swap_of_a_step_does_not_depend_on_its_division(batch, count):
    images, patch, seed = batch
    pairs = len(images) // 2
    whole, method = images.clone(), PatchSwap(PatchSwapSpec(patch_size=patch))
    method.prepare(whole, None, draw(pairs, seed=seed))
    both, expected = images.view(2, pairs, *images.shape[1:]), whole.view(2, pairs, *images.shape[1:])
    for part in divide(pairs, devices=1, rank=0, accumulate=count):
        mine = both[:, part.groups].flatten(0, 1).clone()
        method.prepare(mine, None, draw(pairs, seed=seed, part=part.groups))
        assert torch.equal(mine, expected[:, part.groups].flatten(0, 1))
