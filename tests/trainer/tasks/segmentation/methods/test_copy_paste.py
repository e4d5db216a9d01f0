"""Whole classes of one image are laid onto the other, pixels and mask together; the background stays."""

import torch

from contract.pack.manifest import BACKGROUND, IGNORE
from contract.specs import CopyPasteSpec
from tests.trainer.tasks.classification.methods.judging import draw
from trainer.tasks.segmentation.methods.copy_paste import CopyPaste

CLASSES = [BACKGROUND, "a", "b"]


def scene() -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs of an image that is class 1 at the left and nobody's in a corner, and one that is class 2 on top."""
    left, top = torch.zeros(2, 8, 8, dtype=torch.uint8)
    left[:, :3] = 1
    left[7, 7] = IGNORE
    top[:3] = 2
    masks = torch.stack([left] * 20 + [top] * 20)
    return (100 + masks)[:, None].repeat(1, 3, 1, 1), masks


def test_objects_are_laid_onto_the_other_with_their_masks():
    before_images, before_masks = scene()
    images, masks = before_images.clone(), before_masks.clone()
    CopyPaste(CopyPasteSpec(paste_probability=1), CLASSES).prepare(images, masks, draw(20))
    assert torch.equal(images[:, 0], 100 + masks)
    left, top = before_masks[0], before_masks[20]
    both = torch.where(top == 2, top, left), torch.where(left == 1, left, top)
    for half, plain, pasted in ((masks[:20], left, both[0]), (masks[20:], top, both[1])):
        kinds = [torch.equal(mask, plain) + 2 * torch.equal(mask, pasted) for mask in half]
        assert set(kinds) == {1, 2}  # a class is chosen by a coin, and then all of it


def test_nothing_is_pasted_without_probability():
    images, masks = scene()
    changed = images.clone(), masks.clone()
    CopyPaste(CopyPasteSpec(paste_probability=0), CLASSES).prepare(*changed, draw(20))
    assert torch.equal(changed[0], images)
    assert torch.equal(changed[1], masks)
