"""What becomes of a network's output, by task. A bundle carries its task's file as postprocess.py."""

from types import ModuleType

from core.inference import classification, segmentation

TASKS = {"classification": classification}  # whose answers the service itself makes
BUNDLED: dict[str, ModuleType] = TASKS | {"segmentation": segmentation}
