"""A worker in this process, with the fake trainer and short leases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.tables import DatasetVersion
from tests.conftest import forget_settings
from tests.worker import seed
from tests.worker.processes import Worker
from worker.liveness import shutdown

ROOT = Path(__file__).parents[2]


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds where production takes minutes; the proportions are the same."""
    times = {"LEASE": "6", "HEARTBEAT": "0.5", "SWEEP": "0.5", "STALL": "60", "GRACE": "20"}
    for name, seconds in times.items():
        monkeypatch.setenv(f"PATCHSWAP_{name}_SECONDS", seconds)


@pytest.fixture
def fake_trainer(short_leases: None, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHSWAP_TRAINER_MODULE", "tests.worker.fake_trainer")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    forget_settings()
    shutdown.forget()


@pytest.fixture
def version(fake_trainer: None) -> DatasetVersion:
    return seed.version(seed.tenant())


@pytest.fixture
def start_worker(version: DatasetVersion, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Starts `python -m worker QUEUE`, ready when given back."""
    started: list[Worker] = []

    def start(queue: str = "train") -> Worker:
        started.append(Worker(queue, folder=tmp_path, name=f"worker-{len(started)}"))
        return started[-1].wait_until_ready()

    yield start
    for worker in started:
        worker.end()
