"""The thumbnails of a pack, in one file from which a reader takes any by two small reads."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from contract.pack.thumbnails import OFFSET
from ingest.packing.staging import Staging


def write(staging: Staging, rows: Sequence[int], path: Path) -> None:
    """Those of `rows`, in that order, in the form of `contract.pack.thumbnails`."""
    ends = np.zeros(len(rows) + 1, OFFSET)
    with path.open("wb") as file:
        file.seek(ends.nbytes)
        ends[0] = ends.nbytes
        for at, row in enumerate(rows):
            ends[at + 1] = ends[at] + file.write(staging.thumbnail(row))
        file.seek(0)
        file.write(ends.tobytes())
