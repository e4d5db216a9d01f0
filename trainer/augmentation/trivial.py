"""TrivialAugment (Mueller and Hutter 2021), the wide space as torchvision has it: one operation an image, at random.

14 operations and 31 strengths, all equally likely, signs too [V]. The images of a batch that drew the same operation
are changed together, each at its own strength, by torchvision's kernels where they take a batch. Shear is around the
middle instead of a corner, and geometry is bilinear, not nearest [U]. What comes from outside an image is black.
Shapes: B batch, C channels, H height, W width.
"""

from collections.abc import Callable
from math import pi

import torch
from torch import Tensor
from torch.nn import functional

from trainer.augmentation import colours, crops
from trainer.augmentation.crops import to_uint8
from trainer.augmentation.draws import Draws
from trainer.machine.vision import torchvision  # noqa: F401 - prepares what transforms import

from torchvision.transforms.v2 import functional as kernels  # isort: skip

_STRENGTHS = 31
_SHIFT_PX = 32.0

Operation = Callable[[Tensor, Tensor], Tensor]  # uint8 images and strengths (B,), -1 to 1 or 0 to 1


def augment(images_BCHW: Tensor, draws: Draws) -> Tensor:
    names = list(OPERATIONS)
    chosen_B = draws.integers(0, len(names), columns=1)[0]
    strengths_B = draws.integers(0, _STRENGTHS, columns=1)[0] / (_STRENGTHS - 1)
    strengths_B[draws.uniform() <= 0.5] *= -1
    found = images_BCHW.clone()
    for number, name in enumerate(names):
        mine = torch.from_numpy((chosen_B == number).nonzero()[0])
        if len(mine):
            strengths = torch.from_numpy(strengths_B).float()[mine].to(images_BCHW.device, non_blocking=True)
            at = mine.to(images_BCHW.device, non_blocking=True)
            found[at] = OPERATIONS[name](images_BCHW[at], strengths)
    return found


def _keep(images_BCHW: Tensor, _strengths_B: Tensor) -> Tensor:
    return images_BCHW


def _shear_x(images_BCHW: Tensor, strengths_B: Tensor) -> Tensor:
    height, width = images_BCHW.shape[-2:]
    return _moved(images_BCHW, x_from_y=0.99 * strengths_B * height / width)


def _shear_y(images_BCHW: Tensor, strengths_B: Tensor) -> Tensor:
    height, width = images_BCHW.shape[-2:]
    return _moved(images_BCHW, y_from_x=0.99 * strengths_B * width / height)


def _translate_x(images_BCHW: Tensor, strengths_B: Tensor) -> Tensor:
    return _moved(images_BCHW, x=-2 * (_SHIFT_PX * strengths_B).trunc() / images_BCHW.shape[-1])


def _translate_y(images_BCHW: Tensor, strengths_B: Tensor) -> Tensor:
    return _moved(images_BCHW, y=-2 * (_SHIFT_PX * strengths_B).trunc() / images_BCHW.shape[-2])


def _rotate(images_BCHW: Tensor, strengths_B: Tensor) -> Tensor:
    """Counter-clockwise by up to 135 degrees."""
    height, width = images_BCHW.shape[-2:]
    angles_B = strengths_B * 135 * pi / 180
    cosine, sine = angles_B.cos(), angles_B.sin()
    across, down = -sine * height / width, sine * width / height
    return _moved(images_BCHW, x_from_x=cosine, x_from_y=across, y_from_x=down, y_from_y=cosine)


def _brightness(images_BCHW: Tensor, strengths_B: Tensor) -> Tensor:
    return to_uint8(colours.brighten(images_BCHW.float(), _factors(strengths_B)))


def _colour(images_BCHW: Tensor, strengths_B: Tensor) -> Tensor:
    return to_uint8(colours.saturate(images_BCHW.float(), _factors(strengths_B)))


def _contrast(images_BCHW: Tensor, strengths_B: Tensor) -> Tensor:
    return to_uint8(colours.add_contrast(images_BCHW.float(), _factors(strengths_B)))


def _sharpness(images_BCHW: Tensor, strengths_B: Tensor) -> Tensor:
    smooth = kernels.adjust_sharpness(images_BCHW, 0.0).float()
    return to_uint8(torch.lerp(smooth, images_BCHW.float(), _factors(strengths_B)))


def _posterize(images_BCHW: Tensor, strengths_B: Tensor) -> Tensor:
    """Keep the highest 8 to 2 bits."""
    dropped_B = (6 * strengths_B.abs()).round().to(torch.uint8)
    mask = torch.bitwise_left_shift(torch.full_like(dropped_B, 255), dropped_B)
    return images_BCHW & mask[:, None, None, None]


def _solarize(images_BCHW: Tensor, strengths_B: Tensor) -> Tensor:
    """Invert what is as bright as a threshold or brighter."""
    thresholds = 255 * (1 - strengths_B.abs())
    return torch.where(images_BCHW >= thresholds[:, None, None, None], 255 - images_BCHW, images_BCHW)


def _autocontrast(images_BCHW: Tensor, _strengths_B: Tensor) -> Tensor:
    found: Tensor = kernels.autocontrast(images_BCHW)
    return found


def _equalize(images_BCHW: Tensor, _strengths_B: Tensor) -> Tensor:
    found: Tensor = kernels.equalize(images_BCHW)
    return found


def _moved(images_BCHW: Tensor, **entries: Tensor) -> Tensor:
    """Where each pixel is taken from: x = x_from_x x + x_from_y y + x, y likewise, from -1 to 1 within the image."""
    some = next(iter(entries.values()))
    still = {"x_from_x": torch.ones_like(some), "y_from_y": torch.ones_like(some)}
    names = (("x_from_x", "x_from_y", "x"), ("y_from_x", "y_from_y", "y"))
    given = still | entries
    rows = [torch.stack([given.get(name, torch.zeros_like(some)) for name in row], dim=1) for row in names]
    grid_BHW2 = functional.affine_grid(torch.stack(rows, dim=1), list(images_BCHW.shape), align_corners=False)
    return crops.sampled(images_BCHW, grid_BHW2, padding_mode="zeros")


def _factors(strengths_B: Tensor) -> Tensor:
    return (1 + 0.99 * strengths_B)[:, None, None, None]


OPERATIONS: dict[str, Operation] = {
    "identity": _keep,
    "shear_x": _shear_x,
    "shear_y": _shear_y,
    "translate_x": _translate_x,
    "translate_y": _translate_y,
    "rotate": _rotate,
    "brightness": _brightness,
    "colour": _colour,
    "contrast": _contrast,
    "sharpness": _sharpness,
    "posterize": _posterize,
    "solarize": _solarize,
    "autocontrast": _autocontrast,
    "equalize": _equalize,
}
