"""The hardware of a worker in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.telemetry import hardware

INFORMATION = "Model: \t\t NVIDIA H200\nIRQ:   \t\t 12\nGPU UUID: \t GPU-00000000\nBus Location: \t 0000:00:05.0\n"


@pytest.fixture
def gpus(tmp_path: Path) -> Path:
    for bus in ("0000:00:05.0", "0000:00:06.0"):
        (tmp_path / bus).mkdir()
        (tmp_path / bus / "information").write_text(INFORMATION)
    return tmp_path


def test_gpus_are_counted_by_their_model(gpus: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert hardware.described(gpus) == "2 x NVIDIA H200"


def test_a_worker_that_may_use_no_gpu_has_its_processor(gpus: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert hardware.described(gpus).startswith("cpu (")
    assert hardware.described(gpus / "none").endswith(" threads)")
