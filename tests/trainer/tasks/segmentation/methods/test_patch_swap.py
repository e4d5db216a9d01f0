"""A swap moves mask with image; the loss is cross-entropy plus a divergence where both show one class."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from contract.pack.manifest import IGNORE
from contract.specs import PatchSwapOnlySpec, PatchSwapSpec
from tests.trainer.tasks.classification.methods.judging import Scripted, batch, draw, outputs
from trainer.tasks.segmentation import methods
from trainer.tasks.segmentation.methods.patch_swap import PatchSwap

PAIRS, CLASSES, SIDE = 3, 4, 8


def scene(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    random = np.random.default_rng(seed)
    masks = torch.from_numpy(random.integers(0, CLASSES, (2 * PAIRS, SIDE, SIDE), dtype=np.uint8))
    masks[:, 0, :3] = IGNORE
    return masks[:, None].repeat(1, 3, 1, 1).clone(), masks


def test_patches_of_image_and_mask_move_together_between_the_two_of_a_pair():
    before_images, before_masks = scene()
    images, masks = before_images.clone(), before_masks.clone()
    PatchSwap(PatchSwapSpec(patch_size=2, swap_probability=1)).prepare(images, masks, draw(PAIRS))
    assert torch.equal(images[:, 0], masks)  # gray levels told the class
    moved = masks != before_masks
    assert moved.any()
    for first in range(PAIRS):
        pair = [first, PAIRS + first]
        assert torch.equal(masks[pair].sort(dim=0).values, before_masks[pair].sort(dim=0).values)


def test_a_part_of_a_step_swaps_as_the_whole_does():
    method = PatchSwap(PatchSwapSpec(patch_size=2, swap_probability=0.7))
    images, masks = scene()
    whole = images.clone(), masks.clone()
    method.prepare(*whole, draw(PAIRS, seed=4))
    for part in (slice(0, 1), slice(1, 3)):
        mine = [one.unflatten(0, (2, PAIRS))[:, part].flatten(0, 1).clone() for one in (images, masks)]
        method.prepare(*mine, draw(PAIRS, seed=4, part=part))
        for one, own in zip(whole, mine, strict=True):
            assert torch.equal(one.unflatten(0, (2, PAIRS))[:, part].flatten(0, 1), own)


def divergence_by_pixel(logits: torch.Tensor, masks: torch.Tensor, direction: str, temperature: float) -> float:
    """The formula, pixel by pixel."""
    found, shared = 0.0, 0
    for pair in range(PAIRS):
        for row in range(SIDE):
            for column in range(SIDE):
                label, other = (int(masks[at, row, column]) for at in (pair, PAIRS + pair))
                if label != other or label == IGNORE:
                    continue
                shared += 1
                a, b = logits[pair, :, row, column], logits[PAIRS + pair, :, row, column]
                p, q = (z.div(temperature).softmax(0) for z in (a, b))
                into_first, into_second = float((q * (q / p).log()).sum()), float((p * (p / q).log()).sum())
                first_surer = a.softmax(0)[label] >= b.softmax(0)[label]
                found += {
                    "symmetric": into_first + into_second,
                    "one_way": into_second,
                    "confident_to_weak": into_second if first_surer else into_first,
                }[direction]
    return temperature**2 * found / shared


@pytest.mark.parametrize("direction", ["symmetric", "one_way", "confident_to_weak"])
def test_loss_is_the_formula(direction: str):
    _, masks = scene()
    logits = torch.randn(2 * PAIRS, CLASSES, SIDE, SIDE, dtype=torch.float64, generator=torch.manual_seed(0))
    spec = PatchSwapSpec(patch_size=2, temperature=3, ce_weight=0.5, kd_weight=2, kd_direction=direction)
    judged = PatchSwap(spec).judge(batch(masks), Scripted(outputs(logits)))
    kept = masks != IGNORE
    cross_entropy = functional.cross_entropy(logits.permute(0, 2, 3, 1)[kept], masks[kept].long())
    distillation = divergence_by_pixel(logits, masks, direction, 3)
    assert judged.losses["ce_loss"].item() == pytest.approx(cross_entropy.item())
    assert judged.losses["kd_loss"].item() == pytest.approx(distillation)
    assert judged.losses["loss"].item() == pytest.approx(0.5 * cross_entropy.item() + 2 * distillation)


def test_without_the_divergence_it_is_the_ablation():
    _, masks = scene()
    logits = torch.randn(2 * PAIRS, CLASSES, SIDE, SIDE, generator=torch.manual_seed(0))
    judged = methods.build(PatchSwapOnlySpec(patch_size=2), ["a"] * CLASSES).judge(
        batch(masks), Scripted(outputs(logits))
    )
    assert judged.losses.keys() == {"loss", "ce_loss"}


def test_pixels_that_are_all_nobodys_give_no_loss_and_a_gradient_of_zero():
    masks = torch.full((2, 4, 4), IGNORE, dtype=torch.uint8)
    logits = torch.randn(2, CLASSES, 4, 4, requires_grad=True)
    judged = PatchSwap(PatchSwapSpec(patch_size=2)).judge(batch(masks), Scripted(outputs(logits)))
    judged.losses["loss"].backward()
    assert judged.losses["loss"].item() == 0
    assert not logits.grad.any()
