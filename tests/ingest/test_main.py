"""`python -m ingest`: its messages, its exits, and the limits it puts itself under."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from contract.child.messages import AnyMessage, Done, Failed, Working, decode
from contract.results.ingested import ValidationReport
from tests.ingest import hostile
from tests.ingest.archives import encode, folders, npz, png, png_header_only, zipped
from tests.ingest.corpus import CASES, Case
from tests.ingest.packs import check_pack

FEW = {"cat": 5, "dog": 5}
MIB = 1 << 20


# Linux counts the parent's pages in a child's ru_maxrss, so the child says its own high-water mark.
RUN = """
import atexit, os, pathlib, re, runpy, sys
peak = lambda: re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]
atexit.register(lambda: sys.stderr.write(f"peak {peak()} cpu {sum(os.times()[:2])}"))
runpy.run_module("ingest", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Ended:
    code: int
    messages: list[AnyMessage]
    peak_bytes: int
    cpu_seconds: float


def run(archive: bytes, folder: Path, *options: str) -> Ended:
    (folder / "archive").write_bytes(archive)
    command = [sys.executable, "-c", RUN, str(folder / "archive"), str(folder / "out"), *options]
    ended = subprocess.run(command, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False)
    figures = re.search(rb"peak (\d+) cpu ([0-9.]+)$", ended.stderr)
    assert figures, ended.stderr
    messages = [decode(line) for line in ended.stdout.splitlines()]
    return Ended(ended.returncode, messages, int(figures[1]) * 1024, float(figures[2]))


def report_of(folder: Path) -> ValidationReport:
    return ValidationReport.model_validate_json((folder / "out" / "report.json").read_bytes())


def test_sound_archive_ends_with_done(tmp_path: Path) -> None:
    ended = run(zipped(folders(FEW)), tmp_path, "--splits", json.dumps({"val": 0.2, "test": 0.2}))
    assert ended.code == 0
    *working, done = ended.messages
    assert done == Done(files={name: name for name in ("report.json", "manifest.json", "samples.arrow")})
    assert working[-1] == Working(activity="ingest", done=20, total=20)
    assert report_of(tmp_path).splits == {"train": 6, "val": 2, "test": 2}
    check_pack(tmp_path / "out")


def test_invalid_archive_ends_with_a_report_only(tmp_path: Path) -> None:
    ended = run(b"nothing", tmp_path)
    assert ended.code == 3
    assert ended.messages == [Done(files={"report.json": "report.json"})]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.json"]


def test_pack_of_an_earlier_attempt_does_not_survive_an_invalid_one(tmp_path: Path) -> None:
    assert run(zipped(folders(FEW)), tmp_path).code == 0
    assert run(zipped({}), tmp_path).code == 3
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.json"]


def test_impossible_options_are_a_usage_error(tmp_path: Path) -> None:
    assert run(zipped(folders(FEW)), tmp_path, "--splits", '{"val": 2}').code == 2


def test_file_limit_is_told_as_a_full_disk(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2000, 32, 32, 3), dtype=np.uint8)
    ended = run(npz(images=images, labels=np.arange(2000) % 2), tmp_path, "--limits", json.dumps({"file_bytes": MIB}))
    assert ended.code == 1
    assert isinstance(ended.messages[-1], Failed)
    assert ended.messages[-1].error.code == "disk_full"
    assert not (tmp_path / "out" / "samples.arrow").exists()


def test_too_much_time_is_reported(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (80_000, 16, 16, 3), dtype=np.uint8)
    ended = run(npz(images=images, labels=np.arange(80_000) % 2), tmp_path, "--limits", json.dumps({"cpu_seconds": 1}))
    assert ended.code == 3
    assert "too_slow" in report_of(tmp_path).counts


@pytest.mark.parametrize(
    "case",
    [
        hostile.bomb_entry,
        hostile.bomb_of_many,
        hostile.tar_header_bomb,
        hostile.overlapping,
        hostile.with_file("cat/huge.png", png_header_only(50_000, 50_000)),
        hostile.with_file("cat/idat.png", hostile.idat_bomb()),
        hostile.with_file("cat/text.png", hostile.text_bomb()),
        hostile.with_file("cat/profile.png", hostile.profile_bomb()),
        lambda: zipped(folders(FEW) | {f"cat/{n}.gif": hostile.gif(300) for n in range(10)}),
        lambda: npz(images=np.zeros((60_000, 32, 32, 3), np.uint8), labels=np.arange(60_000) % 2),
    ],
    ids=["bomb", "many", "header", "overlap", "huge_png", "idat", "text", "profile", "gif", "array"],
)
def test_bombs_take_little_memory_and_time(case, tmp_path: Path) -> None:
    ended = run(case(), tmp_path)
    assert ended.code in {0, 3}
    assert ended.peak_bytes < 200 * MIB
    assert ended.cpu_seconds < 10


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_whole_corpus_takes_little_memory_and_time(case: Case, tmp_path: Path) -> None:
    ended = run(case.build(), tmp_path, "--limits", json.dumps(dict(case.limits)))
    assert ended.code == (0 if case.ready else 3)
    assert ended.peak_bytes < 200 * MIB
    assert ended.cpu_seconds < 10


@pytest.mark.slow
def test_a_million_entries_are_refused_without_being_held(tmp_path: Path) -> None:
    ended = run(zipped({f"cat/{n}.png": b"" for n in range(1_000_000)}), tmp_path)
    assert ended.code == 3
    assert "too_many_entries" in report_of(tmp_path).counts
    assert ended.peak_bytes < 200 * MIB


def test_large_images_are_decoded_one_at_a_time(tmp_path: Path) -> None:
    """Six images of 16 MP, which take 64 MB each while they are decoded."""
    large = {f"{n % 2}/{n}.jpg": encode(np.full((4000, 4000, 3), 40 * n, np.uint8), "JPEG") for n in range(6)}
    ended = run(zipped(large | {"0/a.png": png(1), "1/b.png": png(2)}), tmp_path)
    assert ended.code == 0
    assert ended.peak_bytes < 400 * MIB
