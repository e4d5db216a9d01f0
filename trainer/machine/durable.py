"""Files that are whole or absent, also after a power cut: temporary name, fsync, rename, fsync of the folder."""

import os
from pathlib import Path


def write(path: Path, content: bytes | memoryview) -> None:
    """Replace `path` by `content`. On an error the old file is untouched and nothing is left behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
