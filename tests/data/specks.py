"""Large images with small objects: discs and squares of 14 to 20 px on noise, which vanish where images are shrunk."""

import numpy as np
from numpy.typing import NDArray

from tests.data.scenes import Scene

NAMES = ("disc", "square")
_CELL = 48  # an object in some of the cells of a grid, so that none touches another


def draw(count: int, *, seed: int = 0, size: tuple[int, int] = (384, 384), most: int = 12) -> list[Scene]:
    """`count` scenes of (height, width) with 4 to `most` objects each."""
    return [_scene(f"{number:05d}", np.random.default_rng((seed, number)), size, most) for number in range(count)]


def _scene(name: str, random: np.random.Generator, size: tuple[int, int], most: int) -> Scene:
    image = random.integers(60, 120, (*size, 3)).astype(np.uint8)
    instances, boxes, labels = np.zeros(size, np.int64), [], []
    rows, columns = size[0] // _CELL, size[1] // _CELL
    for number, cell in enumerate(random.permutation(rows * columns)[: random.integers(4, most + 1)], start=1):
        side, label = int(random.integers(14, 21)), int(random.integers(2))
        top, left = (int(at) * _CELL + int(random.integers(_CELL - side)) for at in divmod(int(cell), columns))
        window = slice(top, top + side), slice(left, left + side)
        shape = _disc(side) if label == 0 else np.ones((side, side), bool)
        image[window][shape] = random.integers(170, 256, 3)
        instances[window][shape] = number
        boxes.append([left, top, left + side, top + side])
        labels.append(label)
    mask = np.concatenate([[0], np.array(labels) + 1])[instances].astype(np.uint8)
    return Scene(name, image, mask, np.array(boxes, np.float32), np.array(labels, np.int64), instances)


def _disc(side: int) -> NDArray[np.bool_]:
    at = np.arange(side) + 0.5 - side / 2
    return at[:, None] ** 2 + at[None] ** 2 <= (side / 2) ** 2
