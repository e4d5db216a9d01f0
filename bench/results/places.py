"""Where a runner's folder keeps what."""

from pathlib import Path


def pack_folder(folder: Path, dataset: str, draw: int) -> Path:
    return folder / "packs" / f"{dataset}-{draw}"


def teacher_folder(folder: Path, key: str) -> Path:
    """What `python -m trainer train` leaves as OUT/main, and takes as --teacher, without checkpoints."""
    return folder / "teachers" / key
