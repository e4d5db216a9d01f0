"""Small textured parts pasted on crops of photographs, 24 px, colour: what the class is made of can be anywhere.

The photographs come with scikit-image and scikit-learn; none of training is in validation or test. A part's colours are
drawn anew each time, so that only its texture tells the class. 24 px and not 32, which takes 2.4 times as long.
"""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from contract.pack.manifest import PackManifest, Split
from tests.data import packs

SIDE_PX = 24
PART_PX = 8
COPIES = 3  # of the class's part in an image
PER_CLASS = {Split.TRAIN: 50, Split.VAL: 30, Split.TEST: 60}
PHOTOGRAPHS = {
    Split.TRAIN: ("astronaut.png", "china.jpg", "chelsea.png", "motorcycle_left.png"),
    Split.VAL: ("retina.jpg", "ihc.png"),
    Split.TEST: ("coffee.png", "flower.jpg", "rocket.jpg", "hubble_deep_field.jpg"),
}
_PACKAGES = ("skimage", "sklearn")

# Whether a point of a part (row, column in -1..1) is of the first or the second colour.
Texture = Callable[[np.ndarray, np.ndarray], np.ndarray]
TEXTURES: dict[str, Texture] = {
    "rows": lambda y, x: np.floor(y * 4) % 2 == 0,  # noqa: ARG005
    "columns": lambda y, x: np.floor(x * 4) % 2 == 0,  # noqa: ARG005
    "checks": lambda y, x: (np.floor(y * 2) + np.floor(x * 2)) % 2 == 0,
    "ring": lambda y, x: np.abs(np.hypot(y, x) - 0.65) < 0.25,
    "cross": lambda y, x: (np.abs(y) < 0.3) | (np.abs(x) < 0.3),
    "saltire": lambda y, x: np.abs(np.abs(y) - np.abs(x)) < 0.3,
    "half": lambda y, x: y < x,
    "dots": lambda y, x: np.hypot(np.abs(y) - 0.5, np.abs(x) - 0.5) < 0.35,
}


def build(folder: Path, *, draw: int) -> PackManifest:
    """The pack of a draw of training images; validation and test are always the same."""
    images, labels, splits = [], [], []
    for split, per_class in PER_CLASS.items():
        random = np.random.default_rng((int(split), draw if split == Split.TRAIN else 0))
        for label in np.repeat(np.arange(len(TEXTURES)), per_class):
            images.append(compose(int(label), _photographs(split), random))
            labels.append(label)
            splits.append(split)
    return packs.write(folder, images, labels=np.array(labels), splits=np.array(splits))


def compose(label: int, photographs: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    """(24, 24, 3) uint8: a crop of a photograph, copies of the class's part, each in a cell of its own."""
    photograph = photographs[random.integers(len(photographs))]
    top, left = (int(random.integers(0, size - SIDE_PX + 1)) for size in photograph.shape[:2])
    image = photograph[top : top + SIDE_PX, left : left + SIDE_PX].astype(np.float32)
    cells = SIDE_PX // PART_PX
    texture = list(TEXTURES.values())[label]
    for cell in random.permutation(cells**2)[:COPIES]:
        corner = np.array(divmod(cell, cells)) * PART_PX + random.integers(-3, 4, 2)
        _paste(image, texture, corner.clip(0, SIDE_PX - PART_PX), random)
    return image.clip(0, 255).round().astype(np.uint8)


def _paste(image: np.ndarray, texture: Texture, corner: np.ndarray, random: np.random.Generator) -> None:
    """Blend a part into the image, in place: turned a little, a darker colour on a lighter one."""
    line = (np.arange(PART_PX) + 0.5) / PART_PX * 2 - 1
    y, x = np.meshgrid(line, line, indexing="ij")
    angle = random.uniform(-0.25, 0.25)
    turned = y * np.cos(angle) - x * np.sin(angle), y * np.sin(angle) + x * np.cos(angle)
    first = random.uniform(100, 255, 3)
    second = (first - random.uniform(70, 140, 3)).clip(0, 255)
    part = np.where(texture(*turned)[..., None], first, second)
    top, left = corner
    window = image[top : top + PART_PX, left : left + PART_PX]
    window += random.uniform(0.8, 1.0) * (part - window)


@cache
def _photographs(split: Split) -> list[np.ndarray]:
    """Photographs at half their size: a crop of 24 px then shows something."""
    folders = [Path(find_spec(package).origin).parent for package in _PACKAGES]
    found = []
    for name in PHOTOGRAPHS[split]:
        path = next(path for folder in folders for path in folder.rglob(name))
        with Image.open(path) as image:
            found.append(np.asarray(image.convert("RGB").reduce(2)))
    return found
