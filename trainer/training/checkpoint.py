"""States to resume from: a crash at any point of writing leaves the previous one whole; only verified ones are read.

A checkpoint is `step-000123.ckpt` and `step-000123.ckpt.sha256` beside it. The digest is on disk before the file is
visible, so a file without a matching digest was never finished.
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from trainer.machine import durable

KEEP_LATEST = 2
_PATTERN = "step-*.ckpt"


@dataclass(frozen=True)
class Saved:
    path: Path
    bytes: int
    sha256: str


def name_of(step: int) -> str:
    return f"step-{step:06}.ckpt"


def save(folder: Path, step: int, content: dict[str, Any]) -> Saved:
    """Write a state of tensors and plain values."""
    buffer = BytesIO()
    torch.save(content, buffer)
    sha256 = hashlib.sha256(buffer.getbuffer()).hexdigest()
    path = folder / name_of(step)
    durable.write(_digest_path(path), f"{sha256}  {path.name}\n".encode())
    durable.write(path, buffer.getbuffer())
    return Saved(path, bytes=buffer.getbuffer().nbytes, sha256=sha256)


def newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob(_PATTERN), key=lambda path: int(path.stem.removeprefix("step-")), reverse=True)


def verified(path: Path) -> bool:
    """Whether the file is what was written."""
    try:
        expected = _digest_path(path).read_text().split()
    except FileNotFoundError:
        return False
    with path.open("rb") as file:
        return expected[:1] == [hashlib.file_digest(file, "sha256").hexdigest()]


def load(path: Path, device: torch.device) -> dict[str, Any]:
    """The content of a verified checkpoint. Only tensors and plain values are unpickled."""
    content: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    return content


def prune(folder: Path, *, keep: str | None) -> None:
    """Delete all but the latest two and the one named `keep`."""
    for path in newest_first(folder)[KEEP_LATEST:]:
        if path.name != keep:
            path.unlink()
            _digest_path(path).unlink(missing_ok=True)


def _digest_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
