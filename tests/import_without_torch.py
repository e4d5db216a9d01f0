"""A program: imports every module of the packages named on its command line, as on a machine without torch.

Run by `make lint` and by test_rooms.py. A process of its own, because another test may have imported torch already.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from pathlib import Path

_ABSENT = {"torch", "torchvision"}
# A Celery app reads its settings where it is defined; nothing here connects to anything.
_SETTINGS = {
    "PATCHSWAP_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none",
    "PATCHSWAP_REDIS_URL": "redis://127.0.0.1:1/0",
    "PATCHSWAP_OBJECTS_URL": "file:///nonexistent",
}


class _NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in _ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def modules_of(package: str) -> list[str]:
    """The package and all its modules, but `__main__`: importing that one runs it."""
    found = importlib.import_module(package)
    inner = pkgutil.walk_packages(found.__path__, prefix=f"{package}.")
    return [package, *(module.name for module in inner if not module.name.endswith("__main__"))]


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    os.environ.update(_SETTINGS)
    sys.meta_path.insert(0, _NotInstalled())
    names = [name for package in sys.argv[1:] for name in modules_of(package)]
    for name in names:
        importlib.import_module(name)
    print(f"{len(names)} modules import without torch")


if __name__ == "__main__":
    main()
