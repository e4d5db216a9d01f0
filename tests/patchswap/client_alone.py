"""A program: the client on a machine that has neither a service's packages nor what Windows lacks.

Imports every module of the client and runs the command line with the arguments given. A process of its own, because
another test has imported all of it already.
"""

from __future__ import annotations

import builtins
import ctypes
import importlib
import os
import pkgutil
import signal
import sys

# Loaded first: Python's own modules and these may look for anything.
LOADED_FIRST = (
    "asyncio",
    "cryptography.hazmat.primitives.serialization",
    "httpx",
    "pydantic",
    "rich.console",
    "rich.progress",
    "standardwebhooks",
    "typer.main",
)
CLIENT = {"cryptography", "httpx", "patchswap", "pydantic", "rich", "standardwebhooks", "typer"}
WINDOWS_LACKS = {"fcntl", "grp", "pwd", "resource", "termios"}
CALLS_WINDOWS_LACKS = {
    os: ("fork", "geteuid", "getuid", "killpg", "setsid", "O_NOFOLLOW"),
    signal: ("SIGHUP", "SIGKILL", "SIGALRM"),
}
# Run by `up` and `doctor` alone, which need an extra that a client has not.
SERVICE = ("local.embedded", "local.up", "local.deployment", "local.doctor", "local.tenants")

_import = builtins.__import__


def _guarded(name, globals=None, *arguments, **named):  # noqa: A002 - as the built-in one names it
    asked_by = (globals or {}).get("__name__", "")
    package = name.split(".")[0]
    if (
        asked_by.startswith("patchswap")
        and package not in CLIENT
        and package not in sys.stdlib_module_names - WINDOWS_LACKS
    ):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    return _import(name, globals, *arguments, **named)


class _WindowsLibrary(ctypes.CDLL):
    def __init__(self, name, *arguments, **named) -> None:
        if name is None:
            raise TypeError("argument of type 'NoneType' is not iterable")
        super().__init__(name, *arguments, **named)


def modules() -> list[str]:
    import patchswap  # noqa: PLC0415

    inner = pkgutil.walk_packages(patchswap.__path__, prefix="patchswap.")
    names = [module.name for module in inner if not module.name.endswith("__main__")]
    without = tuple(f"patchswap.{name}" for name in SERVICE)
    return [
        "patchswap",
        *(name for name in names if name not in without and not name.startswith(tuple(f"{w}." for w in without))),
    ]


def main() -> None:
    for name in LOADED_FIRST:
        importlib.import_module(name)
    builtins.__import__ = _guarded
    ctypes.CDLL = _WindowsLibrary
    for module, names in CALLS_WINDOWS_LACKS.items():
        for name in names:
            delattr(module, name)
    from patchswap.local import extras  # noqa: PLC0415

    sys.modules.update(dict.fromkeys({module for needed in extras.MODULES.values() for module in needed}))  # not there
    names = modules()
    for name in names:
        importlib.import_module(name)
    print(f"{len(names)} modules", file=sys.stderr)
    from patchswap.cli import main as command_line  # noqa: PLC0415

    command_line(sys.argv[1:])


if __name__ == "__main__":
    main()
