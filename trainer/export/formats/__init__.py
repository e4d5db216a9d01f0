"""The file formats, one module each: from a network to files, and who runs them. Here is the one choice among them."""

from contract import formats
from contract.formats import FormatName
from trainer.errors import format_missing
from trainer.export.formats.format import Format, Source

__all__ = ["Format", "Source", "choose"]


def choose(name: FormatName) -> Format:
    """A format by its name; raises TrainerError where its packages are not installed.

    Imported when chosen: each brings a converter that the others need not wait for.
    """
    if absent := formats.missing(name):
        raise format_missing(name, absent)
    match name:
        case "onnx":
            from trainer.export.formats import onnx  # noqa: PLC0415

            return onnx
        case "openvino":
            from trainer.export.formats import openvino  # noqa: PLC0415

            return openvino
        case "executorch":
            from trainer.export.formats import executorch  # noqa: PLC0415

            return executorch
        case "litert":
            from trainer.export.formats import litert  # noqa: PLC0415

            return litert
        case "coreml":
            from trainer.export.formats import coreml  # noqa: PLC0415

            return coreml
