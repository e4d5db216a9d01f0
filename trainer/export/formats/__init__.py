"""The file formats, one module each: from a network to files, and who runs them. Here is the one choice among them."""

from trainer.export.formats.format import Format, Source

__all__ = ["Format", "Source", "choose"]


def choose(name: str) -> Format:
    """A format by its name. Imported when chosen: each brings a converter that the others need not wait for."""
    match name:
        case "onnx":
            from trainer.export.formats import onnx  # noqa: PLC0415

            return onnx
    raise ValueError(f"no format {name!r}")
