"""The random numbers of a part of a step, drawn for the whole step so that they do not depend on how it is divided."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Draws:
    """Numbers for the images of a part, first all first members, then all second ones. Shapes: B images of the part."""

    random: np.random.Generator
    step: tuple[int, int]  # members, groups
    part: slice  # of the groups

    def uniform(self) -> NDArray[np.float64]:
        """(B,) within 0 and 1."""
        return self.random.random(self.step)[:, self.part].reshape(-1)

    def integers(self, low: int, high: int, *, columns: int) -> NDArray[np.int64]:
        """(columns, B), `high` excluded."""
        drawn = self.random.integers(low, high, (columns, *self.step))
        return drawn[..., self.part].reshape(columns, -1)
