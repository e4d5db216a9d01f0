"""Run model.mlpackage with Core ML, on macOS. In a bundle this is runtime.py: numpy and coremltools only.

Where this was written there is no Core ML: this program was never run.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import coremltools
import numpy as np
from numpy.typing import NDArray

NAME = f"coremltools {version('coremltools')}"


class Model:
    """`model(images_BCHW)` gives the outputs in their order, each an array with the batch first.

    The model itself takes one image at a time.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        """`threads`: Core ML decides."""
        del threads
        self._model = coremltools.models.MLModel(str(folder / "model.mlpackage"))
        described = self._model.get_spec().description
        self._shape = tuple(described.input[0].type.multiArrayType.shape)
        self._outputs = [output.name for output in described.output]

    def __call__(self, images_BCHW: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        one_by_one = [self._model.predict({"image": image[None]}) for image in images_BCHW]
        return [np.concatenate([found[name] for found in one_by_one]) for name in self._outputs]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        _, channels, height, width = self._shape
        return channels, height, width

    @property
    def carried(self) -> dict[str, Any] | None:
        """What the file itself says of its labels and preprocessing; None where the format has no room for it."""
        return None
