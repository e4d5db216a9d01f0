"""What becomes of a network's outputs, by task. A bundle carries its task's file as postprocess.py.

Each has `OPTIONS` that may be asked for, `unpadded`, `answer`, `classes_of` and, where something can be drawn, `draw`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from portable import boxes, classification, segmentation

TASKS: dict[str, ModuleType] = {
    "classification": classification,
    "segmentation": segmentation,
    "detection": boxes,
}
MASKS: dict[str, Callable[[segmentation.Outputs], bytes]] = {"segmentation": segmentation.mask_png}
