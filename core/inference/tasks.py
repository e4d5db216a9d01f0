"""What becomes of a network's outputs, by task. A bundle carries its task's file as postprocess.py.

Each has `OPTIONS` that may be asked for, `answer`, `classes_of` and, where there is something to be drawn, `draw`.
"""

from types import ModuleType

from core.inference import boxes, classification, segmentation

TASKS = {"classification": classification}  # whose answers the service itself makes
BUNDLED: dict[str, ModuleType] = TASKS | {"segmentation": segmentation, "detection": boxes}
