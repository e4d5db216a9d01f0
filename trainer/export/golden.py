"""The golden files of a bundle: a picture, inputs and outputs, and how far another machine may differ from them."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Shares of the golden logits' standard deviation. fp32: another order of the same sums. int8: a value that falls
# between two steps may be rounded either way, and that carries on; integer kernels against exact arithmetic gave
# 0.0002 on average and 0.02 at most. A processor that saturates is beyond these (0.03 and 0.4, see `quantization`).
_SHARES = {"fp32": {"mean": 1e-4, "max": 1e-3}, "int8": {"mean": 0.01, "max": 0.1}}
_REASONS = {
    "fp32": "Floating-point sums are taken in another order on other processors.",
    "int8": "Values between two of the 256 steps may be rounded either way on other processors, and that carries on.",
}
_INPUT_TOLERANCE = {"mean": 1e-6, "max": 1e-6}  # the same integers and the same three float32 operations


@dataclass(frozen=True)
class Golden:
    image: Image.Image
    inputs: NDArray[np.float32]  # the first is made from the image
    outputs: NDArray[np.float32]  # the file's own logits, here

    def files(self) -> dict[str, bytes]:
        picture = BytesIO()
        self.image.save(picture, "PNG")
        return {
            "golden/image.png": picture.getvalue(),
            "golden/input.npy": _npy(self.inputs),
            "golden/output.npy": _npy(self.outputs),
        }

    def tolerances(self, precision: Literal["fp32", "int8"]) -> dict[str, Any]:
        spread = max(float(self.outputs.std()), 1e-6)
        return {
            "input_tolerance": _INPUT_TOLERANCE,
            "output_tolerance": {name: share * spread for name, share in _SHARES[precision].items()},
            "reason": _REASONS[precision],
        }


def _npy(array: NDArray[np.float32]) -> bytes:
    content = BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue()
