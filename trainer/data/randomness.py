"""Random streams as pure functions of (seed, purpose, position): nothing to save, so resume is bitwise."""

from enum import IntEnum

import numpy as np
import torch


class Stream(IntEnum):
    """Purposes that must not share their numbers."""

    ORDER = 1  # by epoch
    AUGMENTATION = 2  # by step
    OBJECTIVE = 3  # by step
    NETWORK = 4  # by step: dropout, stochastic depth
    CORRUPTION = 5
    BOOTSTRAP = 6
    ATTACK = 7
    REPORT = 8
    TILES = 9  # by step


def generator(seed: int, stream: Stream, position: int = 0) -> np.random.Generator:
    return np.random.default_rng((seed, stream, position))


def seed_network(seed: int, step: int, *, rank: int = 0) -> None:
    """Seed what the network draws by itself in this step, in this process of a team."""
    torch.manual_seed(int(generator(seed, Stream.NETWORK, step).integers(2**63, size=rank + 1)[rank]))
