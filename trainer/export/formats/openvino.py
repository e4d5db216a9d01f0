"""OpenVINO IR, run by OpenVINO: fp32 by way of ONNX, int8 by NNCF's post-training quantization."""

import json
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nncf
import openvino

from contract.formats import Precision
from portable.runtimes import openvino_runtime
from trainer.export.formats import conversion
from trainer.export.formats.format import Source
from trainer.export.inputs import Calibration

TITLE = "OpenVINO IR"
MADE_WITH = ("torch", "onnx", "onnxscript", "openvino")
SETTINGS = {
    "by": "NNCF, post training",
    "activations": "8 bits, per tensor",
    "weights": "int8 within 7 bits, per channel",  # decision 4
}
PROGRAMS = ()
RUNS_HERE = True
RUNTIME = openvino_runtime
MODEL_NAME = "model.xml"


def convert(source: Source, folder: Path) -> None:
    """By way of ONNX: of a MobileNetV3-small that came by torch.export, NNCF left 30 % of the weights in fp32."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.onnx"
        conversion.convert(source.net, image_shape=source.image_shape, outputs=source.outputs, path=path)
        model = openvino.convert_model(path)
        openvino.save_model(model, folder / MODEL_NAME, compress_to_fp16=False)


def quantize(_source: Source, fp32: Path, folder: Path, *, precision: Precision, calibration: Calibration) -> None:
    model = openvino.Core().read_model(fp32 / MODEL_NAME)
    if precision == "int8":
        model = nncf.quantize(
            model,
            nncf.Dataset(list(calibration)),
            subset_size=calibration.steps()[1],
            fast_bias_correction=True,
            advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.ENABLE),
        )
    openvino.save_model(model, folder / MODEL_NAME, compress_to_fp16=precision == "fp16")


def requirements(_folder: Path) -> Mapping[str, Any]:
    """The version that is here: with older ones nobody tried."""
    return {"runtime": f"openvino>={version('openvino')}"}


def annotate(folder: Path, entries: Mapping[str, object]) -> None:
    """Into <rt_info>, in the place of what the converters noted there of this machine."""
    tree = ET.parse(folder / MODEL_NAME)  # noqa: S314 - written by us a moment ago
    root = tree.getroot()
    for noted in root.findall("rt_info"):
        root.remove(noted)
    place = ET.SubElement(ET.SubElement(root, "rt_info"), "patchswap")
    for key, value in entries.items():
        ET.SubElement(place, key, value=json.dumps(value, sort_keys=True))
    tree.write(folder / MODEL_NAME, encoding="utf-8", xml_declaration=True)
