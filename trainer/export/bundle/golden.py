"""The golden files of a bundle: a picture, inputs and outputs, and how far another machine may differ from them."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from portable import golden as comparison

_FP32_SHARES = {"mean": 1e-4, "max": 1e-3}  # of the golden outputs' deviation
_FP32_REASON = "Floating-point sums are taken in another order on other processors."
_SMALLER_REASON = (
    "Values between two steps may be rounded either way on other processors, and that carries on. "
    "Allowed is twice as much as the smaller type itself moved the outputs away from the fp32 file's."
)
_UNRUN_SHARES = {"mean": 0.1, "max": 0.5}
_UNRUN_REASON = (
    "The file was not run where it was made. The golden output is the trained network's, and how far the file may be "
    "from it was not measured: a tenth of the outputs' deviation on average."
)
_INPUT_TOLERANCE = {"mean": 1e-6, "max": 1e-6}  # the same integers and the same three float32 operations


@dataclass(frozen=True)
class Golden:
    image: Image.Image
    inputs: NDArray[np.float32]  # the first is made from the image
    outputs: dict[str, NDArray[np.float32]]  # the file's own, here; of one that cannot be run, the trained network's

    def files(self) -> dict[str, bytes]:
        picture = BytesIO()
        self.image.save(picture, "PNG")
        arrays = {"input": self.inputs} | dict(zip(self._stems, self.outputs.values(), strict=True))
        return {"golden/image.png": picture.getvalue()} | {f"golden/{stem}.npy": _npy(a) for stem, a in arrays.items()}

    def tolerances(self, measured: dict[str, Any]) -> dict[str, Any]:
        """How far another machine may be off, as the manifest states it.

        int8: integer kernels were off exact arithmetic by 0.03 (trained ResNet-18) to 0.6 (untrained MobileNetV3-large)
        of what quantization itself changes on average, a processor that saturates by 6.7 (see `quantization`).
        """
        allowed = {}
        for stem, key, output in zip(self._stems, self._keys, self.outputs.values(), strict=True):
            shares = _FP32_SHARES if measured["run_here"] else _UNRUN_SHARES
            spread = max(float(output.std()), 1e-6)
            allowed[stem] = {
                name: max(share * spread, 2 * measured.get(f"{key}_{name}_difference", 0.0))
                for name, share in shares.items()
            }
        quantized = f"{self._keys[0]}_mean_difference" in measured
        reason = _UNRUN_REASON if not measured["run_here"] else _SMALLER_REASON if quantized else _FP32_REASON
        return {"input_tolerance": _INPUT_TOLERANCE, "output_tolerance": allowed, "reason": reason}

    @property
    def _keys(self) -> list[str]:
        return comparison.keys("fp32", tuple(self.outputs))

    @property
    def _stems(self) -> list[str]:
        """What the files are called: `output`, or where there are several as each of them."""
        return ["output"] if len(self.outputs) == 1 else list(self.outputs)


def _npy(array: NDArray[np.float32]) -> bytes:
    content = BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue()
