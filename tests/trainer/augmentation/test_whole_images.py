"""Augmentations of whole batches against torchvision's kernels, one image at a time, and their random numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from contract.specs import AugmentationSpec
from trainer.augmentation import colours, crops, erasing, trivial, whole_images
from trainer.augmentation.draws import Draws
from trainer.machine.vision import torchvision  # noqa: F401 - prepares what transforms import

from torchvision.transforms.v2 import InterpolationMode  # isort: skip
from torchvision.transforms.v2 import functional as kernels  # isort: skip

STEP = (2, 4)  # members, groups
EVERYTHING = {
    "crop_padding": 0,
    "random_resized_crop": (0.35, 1.0),
    "trivial_augment": True,
    "color_jitter": 0.4,
    "random_erasing": 0.5,
}


def photographs(*, channels: int = 3, count: int = 8, size: tuple[int, int] = (24, 32)) -> torch.Tensor:
    """Smooth random pictures, so that a pixel's place and colour both matter."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, channels, 4, 5, generator=random)
    return (255 * torch.nn.functional.interpolate(coarse, size, mode="bicubic").clamp(0, 1)).round().byte()


def changed(part: slice = slice(None), *, seed: int = 0, channels: int = 3, **settings: object) -> torch.Tensor:
    spec = AugmentationSpec.model_validate({"crop_padding": 0, "horizontal_flip": False} | settings)
    images = photographs(channels=channels).unflatten(0, STEP)[:, part].flatten(0, 1)
    return whole_images.augment(images, spec, np.random.default_rng(seed), step=STEP, part=part)


@pytest.mark.parametrize("name", [*EVERYTHING, "horizontal_flip"])
def test_each_augmentation_changes_images_and_keeps_their_form(name):
    settings = {name: EVERYTHING.get(name, True)} if name != "crop_padding" else {"crop_padding": 4}
    found = changed(**settings)
    assert found.shape == photographs().shape
    assert found.dtype == torch.uint8
    assert not torch.equal(found, photographs())


@pytest.mark.parametrize("channels", [1, 3])
def test_the_numbers_do_not_depend_on_how_a_step_is_divided(channels):
    whole = changed(channels=channels, **EVERYTHING).unflatten(0, STEP)
    for groups in (slice(0, 1), slice(1, 4)):
        assert torch.equal(whole[:, groups].flatten(0, 1), changed(groups, channels=channels, **EVERYTHING))


def test_other_seeds_give_other_images_and_the_same_seed_the_same():
    assert torch.equal(changed(seed=3, **EVERYTHING), changed(seed=3, **EVERYTHING))
    assert not torch.equal(changed(seed=3, **EVERYTHING), changed(seed=4, **EVERYTHING))


def test_crops_and_flips_of_earlier_releases_draw_the_same_numbers():
    images, random = photographs(), np.random.default_rng(5)
    offsets = random.integers(0, 9, (2, *STEP)).reshape(2, -1)
    flipped = random.random(STEP).reshape(-1) < 0.5
    expected = crops.batch_crop(images, torch.from_numpy(offsets), padding=4)
    expected = crops.batch_flip(expected, torch.from_numpy(flipped))
    assert torch.equal(changed(seed=5, crop_padding=4, horizontal_flip=True), expected)


@given(st.integers(0, 2**32 - 1))
def test_a_resized_crop_is_that_part_of_the_image(seed):
    random = np.random.default_rng(seed)
    images = photographs(count=3)
    height, width = images.shape[-2:]
    tops, lefts = random.integers(0, 8, 3), random.integers(0, 8, 3)
    talls, wides = random.integers(8, 17, 3), random.integers(8, 25, 3)
    sides = np.stack([talls / height, wides / width])
    middles = np.stack([(2 * tops + talls) / height - 1, (2 * lefts + wides) / width - 1])
    found = crops.batch_resized_crop(images, torch.from_numpy(sides), torch.from_numpy(middles))
    for image, was, top, left, tall, wide in zip(found, images, tops, lefts, talls, wides, strict=True):
        expected = kernels.resized_crop(
            was, int(top), int(left), int(tall), int(wide), [height, width], antialias=False
        )
        inner = (slice(None), slice(2, -2), slice(2, -2))  # at its edge ours sees what lies beyond
        assert (image.int() - expected.int())[inner].abs().max() <= 1


def test_resized_crops_keep_to_the_area_and_sides_that_were_asked_for():
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crops, "batch_resized_crop", lambda images, sides, middles: seen.append((sides, middles)))
        step = (2, 500)
        draws = Draws(np.random.default_rng(0), step, slice(None))
        crops.resized_crop(torch.zeros(1000, 3, 8, 8, dtype=torch.uint8), draws, area=(0.5, 0.9))
    [(sides, middles)] = seen
    area, ratio = sides.prod(dim=0), sides[1] / sides[0]
    assert ((area > 0.47) & (area <= 0.9)).all()  # at most a side is cut: 0.9 * 4/3 is more than the image
    assert ((ratio > 0.7) & (ratio < 1.36)).all()
    assert (middles.abs() + sides <= 1 + 1e-9).all()  # within the image
    assert area.mean() == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("ours", "kernel"),
    [
        (colours.brighten, kernels.adjust_brightness),
        (colours.add_contrast, kernels.adjust_contrast),
        (colours.saturate, kernels.adjust_saturation),
    ],
)
def test_colours_are_torchvisions(ours, kernel, channels):
    images = photographs(channels=channels)
    factors = torch.linspace(0.2, 1.9, len(images))
    found = crops.to_uint8(ours(images.float(), factors[:, None, None, None]))
    for image, was, factor in zip(found, images, factors.tolist(), strict=True):
        assert (image.int() - kernel(was, factor).int()).abs().max() <= 2  # torchvision rounds gray down


STRENGTHS = torch.tensor([-1.0, -0.5, -0.1, 0.0, 0.1, 0.3, 0.7, 1.0])
_BILINEAR = {"interpolation": InterpolationMode.BILINEAR}


def _affine(image, *, shift=(0, 0), shear=(0.0, 0.0)):
    return kernels.affine(image, angle=0.0, translate=list(shift), scale=1.0, shear=list(shear), **_BILINEAR)


def _degrees(strength: float) -> float:
    return float(np.degrees(np.arctan(0.99 * strength)))


OF_TORCHVISION = {
    "identity": lambda image, _: image,
    "shear_x": lambda image, s: _affine(image, shear=(_degrees(s), 0.0)),
    "shear_y": lambda image, s: _affine(image, shear=(0.0, _degrees(s))),
    "translate_x": lambda image, s: _affine(image, shift=(int(32 * s), 0)),
    "translate_y": lambda image, s: _affine(image, shift=(0, int(32 * s))),
    "rotate": lambda image, s: kernels.rotate(image, 135 * s, **_BILINEAR),
    "brightness": lambda image, s: kernels.adjust_brightness(image, 1 + 0.99 * s),
    "colour": lambda image, s: kernels.adjust_saturation(image, 1 + 0.99 * s),
    "contrast": lambda image, s: kernels.adjust_contrast(image, 1 + 0.99 * s),
    "sharpness": lambda image, s: kernels.adjust_sharpness(image, 1 + 0.99 * s),
    "posterize": lambda image, s: kernels.posterize(image, 8 - round(6 * abs(s))),
    "solarize": lambda image, s: kernels.solarize(image, 255 * (1 - abs(s))),
    "autocontrast": lambda image, _: kernels.autocontrast(image),
    "equalize": lambda image, _: kernels.equalize(image),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", list(trivial.OPERATIONS))
def test_operations_of_trivial_augment_are_torchvisions(name, channels):
    images = photographs(channels=channels, size=(40, 40))
    found = trivial.OPERATIONS[name](images, STRENGTHS)
    for image, was, strength in zip(found, images, STRENGTHS.tolist(), strict=True):
        apart = (image.int() - OF_TORCHVISION[name](was, strength).int()).abs()
        assert (apart <= 2).float().mean() > 0.99  # but at the edge of what geometry leaves black
        assert apart.float().mean() < 1.5


def test_all_operations_of_trivial_augment_are_drawn():
    images = torch.arange(14 * 60, dtype=torch.float).remainder(255).byte()[:, None, None, None].expand(-1, 1, 2, 2)
    drawn = []
    with pytest.MonkeyPatch.context() as patch:
        for name in trivial.OPERATIONS:
            patch.setitem(
                trivial.OPERATIONS, name, lambda these, strengths, name=name: drawn.append((name, strengths)) or these
            )
        trivial.augment(images, Draws(np.random.default_rng(0), (1, len(images)), slice(None)))
    assert [name for name, _ in drawn] == list(trivial.OPERATIONS)
    assert all(30 < len(strengths) < 95 for _, strengths in drawn)
    assert all(strengths.min() < -0.8 and strengths.max() > 0.8 for _, strengths in drawn)


def test_erasing_fills_rectangles_of_the_papers_sizes():
    images = torch.full((400, 3, 40, 50), 7, dtype=torch.uint8)
    found = erasing.erase(images, Draws(np.random.default_rng(1), (1, 400), slice(None)), probability=0.25)
    erased = (found != 7).any(dim=1)
    hit = erased.flatten(1).any(dim=1)
    assert 70 < hit.sum() < 130
    for mask, image in zip(erased[hit], found[hit], strict=True):
        rows, columns = mask.any(dim=1).nonzero().flatten(), mask.any(dim=0).nonzero().flatten()
        window = image[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert (window == window[:, :1, :1]).all()  # one colour
        assert mask.sum() == len(rows) * len(columns)  # a rectangle
        assert 0.01 < mask.float().mean() < 0.36
