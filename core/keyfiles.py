"""Files of keys: written once, whole or not at all, and readable by their owner only."""

import argparse
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Raises FileExistsError, for a key that is replaced is lost, or OSError."""
    require_new(path)
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)


def require_new(path: Path) -> None:
    """Raises FileExistsError."""
    if path.exists():
        raise FileExistsError(
            errno.EEXIST, "This file exists, and keys are not replaced. Name another file.", str(path)
        )


def command(module: str, about: str | None, create: Callable[[Path], str]) -> int:
    """`python -m MODULE --create FILE`. `create` says what the file that it made is for."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=about)
    parser.add_argument("--create", type=Path, metavar="FILE", required=True)
    path = parser.parse_args().create
    try:
        told = create(path)
    except OSError as error:
        sys.stderr.write(f"{path}: {error.strerror}\n")
        return 1
    sys.stdout.write(told + "\n")
    return 0
