"""torchvision and timm, importable also where torchvision's compiled operators are of another build than torch.

Downloading weights calls none of these operators: it is enough that they are declared.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from patchswap.weights.conversion import require

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[Any] = []  # declarations live as long as their library


def load(module: str, *, command: str) -> Any:
    """A module of torchvision or of timm, which imports torchvision. Raises MissingExtra."""
    for package in ("torch", "torchvision", "safetensors", module.partition(".")[0]):
        require(package, command=command)
    if not _declared and not _operators_load():
        torch = import_module("torch")
        library = torch.library.Library("torchvision", "FRAGMENT")
        for schema in _OPERATORS:
            if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
                library.define(schema)
        _declared.append(library)
    return import_module(module)


def _operators_load() -> bool:
    torch = import_module("torch")
    spec = find_spec("torchvision")
    folders = spec.submodule_search_locations if spec else None
    libraries = [found for folder in folders or () for found in sorted(Path(folder).glob("_C.*"))]
    if not libraries:
        return False
    try:
        torch.ops.load_library(str(libraries[0]))
    except OSError:
        return False
    return True
