"""The file formats as all rooms agree on them: what each offers, who runs it, and what must be installed to make it."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

FormatName = Literal["onnx", "openvino", "executorch", "litert", "coreml"]
Precision = Literal["fp32", "fp16", "int8"]

# The opsets an ONNX file can be written in, each with the first onnxruntime that opens it (`make test-runtimes` opens
# them there). The converter writes none below 18.
ONNX_RUNTIMES: Mapping[int, str] = {18: "1.14", 19: "1.16", 20: "1.17", 21: "1.18"}
OLDEST_OPSET, NEWEST_OPSET = min(ONNX_RUNTIMES), max(ONNX_RUNTIMES)


@dataclass(frozen=True)
class FormatTerms:
    """What is said of a format outside the trainer."""

    files: str  # of the model in a bundle, as people name them
    precisions: tuple[Precision, ...]
    packages: tuple[str, ...]  # distributions that a worker must have; the first runs the file
    install: str  # the line that brings them
    description: str


FORMATS: Mapping[FormatName, FormatTerms] = {
    "onnx": FormatTerms(
        files="model.onnx",
        precisions=("fp32", "fp16", "int8"),
        packages=("onnxruntime", "onnx", "onnxscript"),
        install="pip install patchswap",
        description="ONNX for onnxruntime. int8 is QDQ, static, per channel, calibrated on training images; "
        "fp16 stores the weights in half the bytes and computes in fp32.",
    ),
    "openvino": FormatTerms(
        files="model.xml, model.bin",
        precisions=("fp32", "fp16", "int8"),
        packages=("openvino", "nncf"),
        install="pip install 'patchswap[openvino]'",
        description="OpenVINO IR. int8 by NNCF, calibrated on training images; fp16 stores the weights in half the "
        "bytes and computes in fp32.",
    ),
    "executorch": FormatTerms(
        files="model.pte",
        precisions=("fp32", "int8"),
        packages=("executorch", "torchao"),
        install="pip install 'patchswap[executorch]'",
        description="ExecuTorch .pte for XNNPACK, one image at a time. int8 by PT2E, per channel, calibrated on "
        "training images.",
    ),
    "litert": FormatTerms(
        files="model.tflite",
        precisions=("fp32", "fp16", "int8"),
        packages=("ai-edge-litert", "litert-torch", "ai-edge-quantizer"),
        install="pip install 'patchswap[litert]'",
        description="LiteRT .tflite, one image at a time. int8 by ai-edge-quantizer, calibrated on training images: "
        "the file takes and gives int8; fp16 stores the weights in half the bytes.",
    ),
    "coreml": FormatTerms(
        files="model.mlpackage",
        precisions=("fp32", "fp16", "int8"),
        packages=("coremltools",),
        install="pip install 'patchswap[coreml]'",
        description="Core ML .mlpackage, one image at a time. Converted and never run, for only Apple's systems run "
        "it: nothing of accuracy or latency is measured. int8 is of the weights alone.",
    ),
}


def installed(name: FormatName) -> dict[str, str | None]:
    """The versions of a format's packages in this environment; None for one that is missing."""
    return {package: _version(package) for package in FORMATS[name].packages}


def missing(name: FormatName) -> list[str]:
    return [package for package, found in installed(name).items() if found is None]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
