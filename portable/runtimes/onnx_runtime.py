"""Run model.onnx with onnxruntime, on the processor. In a bundle this is runtime.py: numpy and onnxruntime only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

NAME = f"onnxruntime {onnxruntime.__version__}"


class Model:
    """`model(images_BCHW)` gives the outputs in their order, each an array with the batch first."""

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        """`threads`: None for as many as there are cores."""
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others need the cores, too
        if threads is not None:
            options.intra_op_num_threads = options.inter_op_num_threads = threads
        providers = ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=providers)

    def __call__(self, images_BCHW: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        outputs: list[NDArray[np.float32]] = self._session.run(None, {"image": images_BCHW})
        return outputs

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        _, channels, height, width = self._session.get_inputs()[0].shape
        return channels, height, width

    @property
    def carried(self) -> dict[str, Any] | None:
        """What the file itself says of its labels and preprocessing; None where the format has no room for it."""
        return {key: json.loads(value) for key, value in self._session.get_modelmeta().custom_metadata_map.items()}
