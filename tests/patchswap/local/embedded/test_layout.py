"""The data directory: usable or refused in one line, with sockets whose paths fit."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from patchswap.local.embedded import layout
from patchswap.local.embedded.refusal import CannotStart


@pytest.fixture(autouse=True)
def _temporary_folder(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run folders made elsewhere go with the test; `tmp_path` first, which would be made in there too."""
    monkeypatch.setattr("tempfile.tempdir", str(data_dir))


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.bind(str(path))


@pytest.mark.parametrize("name", ["data", "d" * 200, "a,b", "with space and 'quote'"])
def test_sockets_fit_whatever_the_name_of_the_directory(tmp_path: Path, name: str):
    places = layout.prepare(tmp_path / name)
    layout.empty_run_folder(places)
    bind(places.redis_socket)
    bind(places.postgres_sockets / ".s.PGSQL.5432")
    assert "," not in str(places.postgres_sockets)
    assert places.run.stat().st_mode & 0o777 == 0o700


def test_a_run_folder_elsewhere_is_this_directory_s_alone(tmp_path: Path):
    first, second = (layout.prepare(tmp_path / (letter * 200)) for letter in "ab")
    assert first.run != second.run
    assert layout.prepare(tmp_path / ("a" * 200)).run == first.run


def test_a_run_folder_that_somebody_else_laid_out_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    folder = layout.prepare(tmp_path / ("a" * 200)).run
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(CannotStart, match="belongs to somebody else"):
        layout.prepare(tmp_path / ("a" * 200))


def test_old_sockets_and_their_locks_are_removed(tmp_path: Path):
    places = layout.prepare(tmp_path)
    layout.empty_run_folder(places)
    bind(places.redis_socket)
    (places.postgres_sockets / ".s.PGSQL.5432.lock").write_text("1\n")
    layout.empty_run_folder(places)
    bind(places.redis_socket)
    assert list(places.postgres_sockets.iterdir()) == []


@pytest.mark.parametrize("path", ["/proc/patchswap", "/dev/null/patchswap"])
def test_a_directory_that_cannot_be_written_is_refused_in_one_line(path: str):
    with pytest.raises(CannotStart, match=f"Cannot write to the data directory {path}: .*--data-dir") as refusal:
        layout.prepare(Path(path))
    assert "\n" not in str(refusal.value)


@pytest.fixture
def small_disk(tmp_path: Path):
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_nearly_full_disk_is_refused_before_anything_starts(small_disk: Path):
    with pytest.raises(CannotStart, match=r"has \d+ MB free and 256 MB are needed"):
        layout.prepare(small_disk)


def test_a_full_disk_is_refused_in_one_line(small_disk: Path):
    (small_disk / "filler").write_bytes(bytes(8 * 2**20 - 4096))
    with pytest.raises(CannotStart, match="No space left on device"):
        layout.prepare(small_disk)


def test_a_read_only_disk_is_refused_in_one_line(small_disk: Path):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(CannotStart, match="Read-only file system"):
        layout.prepare(small_disk)
