"""How large images and boxes are."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from contract.results.inspected import Histogram

_EDGES = [0, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096]
LARGEST = 100_000  # px; what is larger counts as that


class Sizes:
    """Counted pixel by pixel, so that memory does not grow with what is counted."""

    def __init__(self) -> None:
        self._counts = np.zeros(LARGEST + 1, np.int64)

    def add(self, pixels: NDArray[np.floating | np.integer]) -> None:
        rounded = np.rint(pixels).clip(0, LARGEST).astype(np.int64)
        self._counts += np.bincount(rounded, minlength=LARGEST + 1)

    def histogram(self) -> Histogram | None:
        """None of nothing."""
        reached = np.cumsum(self._counts)
        if not reached[-1]:
            return None
        tenth, median, ninth = (int(np.searchsorted(reached, share * reached[-1])) for share in (0.1, 0.5, 0.9))
        edges = [*_EDGES, LARGEST + 1]
        counts = [int(self._counts[low:high].sum()) for low, high in pairwise(edges)]
        return Histogram(edges=edges, counts=counts, smallest_tenth=tenth, median=median, largest_tenth=ninth)
