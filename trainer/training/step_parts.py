"""How a step is divided: among the processes of a team, and within each into parts that are trained on in turn."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Part:
    """The groups of a step from `start` up to `stop`, trained on at once. `number` counts the parts of one process."""

    number: int
    start: int
    stop: int
    share: float  # of the step

    @property
    def groups(self) -> slice:
        return slice(self.start, self.stop)


def divide(groups: int, *, devices: int, rank: int, accumulate: int) -> list[Part]:
    """The parts of one process, as equal as whole groups allow. Too small a step gives fewer parts."""
    edges = np.linspace(0, groups, min(groups, devices * accumulate) + 1).round().astype(int).tolist()
    mine = list(pairwise(edges))[rank * accumulate : (rank + 1) * accumulate]
    return [Part(number, start, stop, (stop - start) / groups) for number, (start, stop) in enumerate(mine)]
