"""torchmetrics, importable also where torchvision's operators are missing: it imports torchvision where that is there.

Take it from here: `from trainer.machine.torchmetrics import classification`.
"""

from trainer.machine import vision  # noqa: F401 - first: it makes torchvision importable

# isort: split
from torchmetrics import classification
from torchmetrics.functional import classification as functional

__all__ = ["classification", "functional"]
