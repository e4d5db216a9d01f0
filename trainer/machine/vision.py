"""torchvision, importable also where its compiled operators do not match the installed torch.

Take it from here: `from trainer.machine.vision import torchvision`. Where the extension loads, nothing is changed.
Where it does not (a CPU build of torch beside a CUDA build of torchvision), torchvision's import fails only because it
describes operators that nobody declared; declaring them is enough for everything classification uses.
"""

import importlib.util
from pathlib import Path

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared = torch.library.Library("torchvision", "FRAGMENT")  # declarations live as long as this object


def _prepare() -> bool:
    """Load torchvision's operators, or declare the ones its import needs. True where the real ones loaded."""
    if _extension_loads():
        return True
    for schema in _SCHEMAS:
        if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
            _declared.define(schema)
    return False


def _extension_loads() -> bool:
    spec = importlib.util.find_spec("torchvision")
    folders = spec.submodule_search_locations if spec else None
    libraries = [found for folder in folders or () for found in sorted(Path(folder).glob("_C*.so"))]
    if not libraries:
        return False
    try:
        torch.ops.load_library(libraries[0])
    except OSError:
        return False
    return True


HAS_OPERATORS = _prepare()

import torchvision  # noqa: E402 - only importable once prepared

__all__ = ["HAS_OPERATORS", "torchvision"]
