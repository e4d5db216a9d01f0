"""The file formats as all rooms agree on them: what each offers, who runs it, and what must be installed to make it."""

from dataclasses import dataclass
from typing import Literal

FormatName = Literal["onnx"]
Precision = Literal["fp32", "fp16", "int8"]


@dataclass(frozen=True)
class FormatTerms:
    """What is said of a format outside the trainer."""

    files: str  # of the model in a bundle, as people name them
    precisions: tuple[Precision, ...]
    packages: tuple[str, ...]  # distributions that a worker must have; the first runs the file
    install: str  # the line that brings them
    description: str


FORMATS: dict[FormatName, FormatTerms] = {
    "onnx": FormatTerms(
        files="model.onnx",
        precisions=("fp32", "fp16", "int8"),
        packages=("onnxruntime", "onnx", "onnxscript"),
        install="pip install patchswap",
        description="ONNX for onnxruntime. int8 is QDQ, static, per channel, calibrated on training images; "
        "fp16 stores the weights in half the bytes and computes in fp32.",
    ),
}
