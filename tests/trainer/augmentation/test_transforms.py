"""Images and masks move together, by numbers that depend on the seed and the place in the step alone."""

import numpy as np
import pytest
import torch

from contract.pack.manifest import IGNORE
from contract.specs import AugmentationSpec
from trainer.tasks.segmentation import task as segmentation

STEP = (2, 3)  # members, groups


def scene() -> tuple[torch.Tensor, torch.Tensor]:
    """Six images whose gray level tells the class of the pixel."""
    random = np.random.default_rng(0)
    masks = torch.from_numpy(random.integers(0, 4, (6, 4, 4), dtype=np.uint8)).repeat_interleave(8, 1)
    masks = masks.repeat_interleave(8, 2)
    return (60 * masks)[:, None].repeat(1, 3, 1, 1), masks


def changed(part: slice = slice(None), *, seed: int = 0, **settings: object) -> tuple[torch.Tensor, torch.Tensor]:
    spec = AugmentationSpec(**({"scale_jitter": (0.5, 2.0), "photometric": False} | settings))
    images, masks = (one.unflatten(0, STEP)[:, part].flatten(0, 1) for one in scene())
    return segmentation.augment(images, masks, spec, np.random.default_rng(seed), step=STEP, part=part)


def test_each_pixel_keeps_its_class():
    images, masks = changed(scale_jitter=(1.0, 1.0))
    assert torch.equal(images[:, 0], 60 * masks)
    images, masks = changed()
    inside = masks != IGNORE
    near = (images[:, 0].int() - 60 * masks.int()).abs() <= 1  # but where bilinear pixels mix two classes
    assert inside.any()
    assert near[inside].float().mean() > 0.85
    assert (images[:, 0][~inside] == 0).all()  # what a crop added is black and nobody's


def test_the_numbers_do_not_depend_on_how_a_step_is_divided():
    whole = changed(photometric=True)
    for groups in (slice(0, 1), slice(1, 3)):
        for one, part in zip(whole, changed(groups, photometric=True), strict=True):
            assert torch.equal(one.unflatten(0, STEP)[:, groups].flatten(0, 1), part)


def test_other_seeds_give_other_crops_and_torchs_own_numbers_go_on():
    torch.manual_seed(5)
    first = changed(seed=1)
    drawn = torch.rand(3)
    assert not torch.equal(first[1], changed(seed=2)[1])
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))


def test_scale_jitter_must_be_resolved():
    with pytest.raises(TypeError, match="scale_jitter is not resolved"):
        changed(scale_jitter="auto")
