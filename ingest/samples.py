"""One labelled or annotated image on its way into the pack."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contract.pack.manifest import Split
from ingest.marks import Annotation


class Sample(NamedTuple):
    path: str  # printable; where the dataset has none, what stands for it (`train_images[17]`)
    label: str
    split: Split | None  # None: the dataset does not say
    content: bytes | NDArray[np.uint8]  # an image file, or pixels (H, W, 1 or 3)
    annotation: Annotation | None = None  # then the label says nothing

    @property
    def weight(self) -> int:
        """Bytes that it holds in memory."""
        held = len(self.content) if isinstance(self.content, bytes) else self.content.nbytes
        return held + (self.annotation.weight if self.annotation else 0)
