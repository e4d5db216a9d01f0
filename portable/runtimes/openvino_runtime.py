"""Run model.xml and model.bin with OpenVINO, on the processor. In a bundle this is runtime.py: numpy, openvino only."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

NAME = f"OpenVINO {version('openvino')}"
_PLACE = "patchswap"


class Model:
    """`model(images_BCHW)` gives the outputs in their order, each an array with the batch first."""

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        """`threads`: None for as many as there are cores."""
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}  # not bf16 where the processor has it
        if threads is not None:
            settings.update({"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1})
        self._model = openvino.Core().read_model(folder / "model.xml")
        self._compiled = openvino.compile_model(self._model, "CPU", settings)

    def __call__(self, images_BCHW: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        found = self._compiled(images_BCHW)
        return [np.array(found[output]) for output in self._compiled.outputs]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        _, *sides = self._model.inputs[0].get_partial_shape()
        channels, height, width = (side.get_length() for side in sides)
        return channels, height, width

    @property
    def carried(self) -> dict[str, Any] | None:
        """What the file itself says of its labels and preprocessing; None where the format has no room for it."""
        keys = [key for key in ("labels", "preprocess") if self._model.has_rt_info([_PLACE, key])]
        return {key: json.loads(self._model.get_rt_info([_PLACE, key]).astype(str)) for key in keys}
