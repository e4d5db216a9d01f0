"""The golden files of a bundle: a picture, inputs and outputs, and how far another machine may differ from them."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_FP32_SHARES = {"mean": 1e-4, "max": 1e-3}  # of the golden logits' deviation
_FP32_REASON = "Floating-point sums are taken in another order on other processors."
_SMALLER_REASON = (
    "Values between two steps may be rounded either way on other processors, and that carries on. "
    "Allowed is twice as much as the smaller type itself moved the logits away from the fp32 file's."
)
_UNRUN_SHARES = {"mean": 0.1, "max": 0.5}
_UNRUN_REASON = (
    "The file was not run where it was made. The golden output is the trained network's, and how far the file may be "
    "from it was not measured: a tenth of the logits' deviation on average."
)
_INPUT_TOLERANCE = {"mean": 1e-6, "max": 1e-6}  # the same integers and the same three float32 operations


@dataclass(frozen=True)
class Golden:
    image: Image.Image
    inputs: NDArray[np.float32]  # the first is made from the image
    outputs: NDArray[np.float32]  # the file's own logits, here; of one that cannot be run, the trained network's

    def files(self) -> dict[str, bytes]:
        picture = BytesIO()
        self.image.save(picture, "PNG")
        return {
            "golden/image.png": picture.getvalue(),
            "golden/input.npy": _npy(self.inputs),
            "golden/output.npy": _npy(self.outputs),
        }

    def tolerances(self, measured: dict[str, Any]) -> dict[str, Any]:
        """How far another machine may be off, as the manifest states it.

        int8: integer kernels were off exact arithmetic by 0.03 (trained ResNet-18) to 0.6 (untrained MobileNetV3-large)
        of what quantization itself changes on average, a processor that saturates by 6.7 (see `quantization`).
        """
        spread = max(float(self.outputs.std()), 1e-6)
        if not measured["run_here"]:
            allowed = {name: share * spread for name, share in _UNRUN_SHARES.items()}
            return {"input_tolerance": _INPUT_TOLERANCE, "output_tolerance": allowed, "reason": _UNRUN_REASON}
        allowed = {name: share * spread for name, share in _FP32_SHARES.items()}
        if quantized := "fp32_mean_difference" in measured:
            allowed = {name: max(least, 2 * measured[f"fp32_{name}_difference"]) for name, least in allowed.items()}
        reason = _SMALLER_REASON if quantized else _FP32_REASON
        return {"input_tolerance": _INPUT_TOLERANCE, "output_tolerance": allowed, "reason": reason}


def _npy(array: NDArray[np.float32]) -> bytes:
    content = BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue()
