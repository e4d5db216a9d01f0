"""scikit-learn's 1,797 scans of digits, 8 px, gray, with few images to train on."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from contract.pack.manifest import PackManifest, Split
from tests.data import packs

VAL_PER_CLASS = 20
TEST_PER_CLASS = 50
HELD = VAL_PER_CLASS + TEST_PER_CLASS  # the other 104 or more of each class are the pool to draw from


def build(folder: Path, *, draw: int, per_class: int) -> PackManifest:
    """The pack of a draw of training images; validation and test are always the same."""
    data = load_digits()
    rows, splits = [], []
    for label in range(10):
        mine = np.random.default_rng((0, label)).permutation(np.flatnonzero(data.target == label))
        drawn = np.random.default_rng((1, draw, label)).permutation(mine[HELD:])[:per_class]
        rows += [*mine[:HELD], *drawn]
        splits += [Split.VAL] * VAL_PER_CLASS + [Split.TEST] * TEST_PER_CLASS + [Split.TRAIN] * len(drawn)
    images = (data.images[rows] * (255 / 16)).round().astype(np.uint8)[..., None]
    return packs.write(folder, list(images), labels=data.target[rows], splits=np.array(splits))
