"""What a worker answers about its own machine when it is asked over the queue, as `core.doctor` does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from celery.worker.control import inspect_command

from core.queue import FREE_DISK
from core.settings import settings


@inspect_command(name=FREE_DISK)
def free_disk(_: Any) -> dict[str, Any]:
    """Bytes that are free where packs, checkpoints and attempts lie."""
    folder = settings().scratch_dir.absolute()
    there: Path = next(place for place in (folder, *folder.parents) if place.exists())
    return {"folder": str(folder), "bytes": shutil.disk_usage(there).free}
