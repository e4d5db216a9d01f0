"""A file that was written is on the disk, in the order that survives a power cut at any point between."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from trainer.machine import durable
from trainer.training import checkpoint

Call = tuple[str, ...]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What was asked of the kernel, by name; a file counts as written when fsync finds all of it there."""
    made: list[Call] = []
    fsync, rename = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        made.append(("fsync", path.name, str(path.stat().st_size) if path.is_file() else "folder"))
        fsync(descriptor)

    def note_rename(source: Path, target: Path, **options: int) -> None:
        made.append(("rename", Path(source).name, Path(target).name))
        rename(source, target, **options)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_rename)
    return made


def test_content_is_on_the_disk_before_its_name_and_the_name_before_the_end(calls: list[Call], tmp_path: Path) -> None:
    durable.write(tmp_path / "file", b"content")
    assert calls == [
        ("fsync", ".file.tmp", "7"),
        ("rename", ".file.tmp", "file"),
        ("fsync", tmp_path.name, "folder"),
    ]


def test_digest_of_a_checkpoint_is_on_the_disk_before_the_checkpoint_is_visible(
    calls: list[Call], tmp_path: Path
) -> None:
    saved = checkpoint.save(tmp_path, 7, {"weights": torch.ones(3)})
    temporary, digest = f".{saved.path.name}.tmp", f"{saved.path.name}.sha256"
    assert calls == [
        ("fsync", f".{digest}.tmp", str((tmp_path / digest).stat().st_size)),
        ("rename", f".{digest}.tmp", digest),
        ("fsync", tmp_path.name, "folder"),
        ("fsync", temporary, str(saved.bytes)),
        ("rename", temporary, saved.path.name),
        ("fsync", tmp_path.name, "folder"),
    ]
    assert checkpoint.verified(saved.path)
