"""Training images that a quantizer finds the ranges of activations with, counted as they are taken."""

from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from contract.specs import ResolvedSpec
from trainer.data.pack import Pack
from trainer.export import heldout


class Calibration:
    """An iterator of (batch, channels, height, width) float32, as the network sees them, for one pass."""

    def __init__(self, batches: Iterator[NDArray[np.float32]], total: int) -> None:
        self._batches = batches
        self._total = total
        self._taken = 0

    @classmethod
    def of(cls, spec: ResolvedSpec, pack: Pack) -> "Calibration":
        rows = heldout.calibration_rows(pack)
        size = heldout.CALIBRATION_BATCH_SIZE
        return cls(heldout.batches(spec, pack, rows, size=size), ceil(len(rows) / size))

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return self

    def __next__(self) -> NDArray[np.float32]:
        batch = next(self._batches)
        self._taken += 1
        return batch

    def steps(self) -> tuple[int, int]:
        """How many batches were taken, of how many."""
        return self._taken, self._total
