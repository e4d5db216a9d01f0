"""Run model.tflite with LiteRT and its XNNPACK. In a bundle this is runtime.py: numpy and ai-edge-litert only."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

NAME = f"LiteRT {version('ai-edge-litert')}"


class Model:
    """`model(images_BCHW)` gives the outputs in their order, each an array with the batch first.

    The file itself takes one image at a time, and an int8 file int8: by its input's scale and zero point.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        """`threads`: None for as many as LiteRT takes."""
        self._interpreter = Interpreter(str(folder / "model.tflite"), num_threads=threads)
        self._interpreter.allocate_tensors()
        (self._input,) = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()

    def __call__(self, images_BCHW: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        one_by_one = [self._run(image[None]) for image in images_BCHW]
        return [np.concatenate(outputs) for outputs in zip(*one_by_one)]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        _, channels, height, width = map(int, self._input["shape"])
        return channels, height, width

    @property
    def carried(self) -> dict[str, Any] | None:
        """What the file itself says of its labels and preprocessing; None where the format has no room for it."""
        return None

    def _run(self, image_1CHW: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        self._interpreter.set_tensor(self._input["index"], _stored(image_1CHW, self._input))
        self._interpreter.invoke()
        return [_meant(self._interpreter.get_tensor(output["index"]), output) for output in self._outputs]


def _stored(values: NDArray[np.float32], tensor: dict[str, Any]) -> NDArray[Any]:
    """Real numbers as the file stores them."""
    if tensor["dtype"] == np.float32:
        return values
    scale, zero_point = tensor["quantization"]
    limits = np.iinfo(tensor["dtype"])
    return np.clip(np.round(values / scale) + zero_point, limits.min, limits.max).astype(tensor["dtype"])


def _meant(values: NDArray[Any], tensor: dict[str, Any]) -> NDArray[np.float32]:
    """The real numbers that are stored."""
    if tensor["dtype"] == np.float32:
        return values
    scale, zero_point = tensor["quantization"]
    return (values.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
