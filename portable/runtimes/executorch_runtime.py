"""Run model.pte with ExecuTorch. In a bundle this is runtime.py: numpy and executorch only.

ExecuTorch's Python package brings torch, through which tensors reach it; its C++ library, for a device, does not.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from executorch.extension.pybindings import portable_lib
from executorch.runtime import Runtime
from numpy.typing import NDArray

NAME = f"ExecuTorch {version('executorch')}"


class Model:
    """`model(images_BCHW)` gives the outputs in their order, each an array with the batch first.

    The program itself takes one image at a time.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        """`threads`: None for as many as there are cores. They are the process's, not this model's."""
        if threads is not None:
            portable_lib._unsafe_reset_threadpool(threads)  # noqa: SLF001 - there is no other way to say it
        self._program = Runtime.get().load_program(folder / "model.pte")
        self._method = self._program.load_method("forward")

    def __call__(self, images_BCHW: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        images = torch.from_numpy(np.ascontiguousarray(images_BCHW))
        one_by_one = [[output.numpy().copy() for output in self._method.execute([one])] for one in images.split(1)]
        return [np.concatenate(outputs) for outputs in zip(*one_by_one)]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        _, channels, height, width = self._method.metadata.input_tensor_meta(0).sizes()
        return channels, height, width

    @property
    def carried(self) -> dict[str, Any] | None:
        """What the file itself says of its labels and preprocessing; None where the format has no room for it."""
        return None
