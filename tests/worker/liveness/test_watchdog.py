"""A worker whose consumer stands still ends, with its training over, and only then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from core import queue
from tests.servers.redis import RedisServer
from tests.worker import seed
from tests.worker.processes import Worker, command_line, wait_for, wait_for_end, wait_until
from worker.liveness import consumer_state
from worker.liveness.watchdog import LOOKS, Watchdog


@pytest.fixture
def short_leases(short_leases: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHSWAP_DEAF_SECONDS", "5")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Stands for a worker."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


@pytest.fixture
def shown(fake_trainer: None) -> consumer_state.Pulse:
    return consumer_state.fresh()


def looks(watchdog: Watchdog, shown: consumer_state.Pulse, *, turning: bool) -> list[bool]:
    found = []
    for _ in range(LOOKS):
        if turning:
            shown.turn()
        found.append(watchdog.is_deaf())
    return found


def log_of(worker: Worker) -> str:
    return worker.log.read_text()


def stop_consumer(worker: Worker) -> None:
    """Once there is a sweeper, which is started by a thread of the same process."""
    wait_for(lambda: [p for p in worker.descendants() if "sweep" in command_line(p)])
    os.kill(worker.process.pid, signal.SIGSTOP)


def test_idle_worker_whose_consumer_stands_still_is_ended(version, start_worker):
    worker = start_worker()
    stop_consumer(worker)
    assert worker.process.wait(90) == -signal.SIGKILL
    assert "takes no messages from train: ended" in log_of(worker)


@pytest.mark.slow
def test_training_under_a_still_consumer_comes_to_its_end_first(version, start_worker):
    worker = start_worker()
    job = seed.job(version, labels={"fake/step_seconds": "1", "fake/checkpoint_steps": "100"})
    queue.ring("worker.train", job.id)
    wait_until(job.id, lambda job: job.progress["step"] >= 1)
    stop_consumer(worker)
    wait_for(lambda: "ended once its task is over" in log_of(worker))
    assert seed.read(job.id).status == "running"
    assert wait_for_end(job.id).status == "succeeded"
    assert seed.read(job.id).total_attempts == 1
    assert worker.process.wait(90) == -signal.SIGKILL


def test_worker_that_hears_is_left_alone_idle_and_training(version, start_worker):
    worker = start_worker()
    job = seed.job(version, labels={"fake/step_seconds": "0.4", "fake/checkpoint_steps": "100"})
    behind = seed.job(version)  # its message waits all the while
    for each in (job, behind):
        queue.ring("worker.train", each.id)
    assert wait_for_end(behind.id).status == "succeeded"
    assert seed.read(job.id).status == "succeeded"
    assert "takes no messages" not in log_of(worker)
    assert worker.process.poll() is None


def test_idle_consumer_that_goes_round_and_takes_nothing_is_deaf(sleeper, shown):
    watchdog = Watchdog(sleeper.pid, shown, "train")
    queue.ring("worker.train", "job_x")
    assert looks(watchdog, shown, turning=True) == [False] * (LOOKS - 1) + [True]
    shown.begin_task()
    assert not watchdog.is_deaf()


def test_nobody_is_deaf_without_messages_or_with_a_task(sleeper, shown):
    watchdog = Watchdog(sleeper.pid, shown, "train")
    assert not any(looks(watchdog, shown, turning=True))
    shown.begin_task()
    queue.ring("worker.train", "job_x")
    assert not any(looks(watchdog, shown, turning=True) + looks(watchdog, shown, turning=True))


def test_task_counts_no_more_when_its_process_died(sleeper, shown):
    """It could not say that it was over."""
    child = os.fork()
    if child == 0:
        shown.begin_task()
        os._exit(1)
    os.waitpid(child, 0)
    watchdog = Watchdog(sleeper.pid, shown, "train")
    queue.ring("worker.train", "job_x")
    assert looks(watchdog, shown, turning=True)[-1]


def test_nobody_is_deaf_while_the_broker_is_away(sleeper, shown, redis_server: RedisServer):
    """A consumer stands still then, for it waits too; and for so long again once the broker is back."""
    watchdog = Watchdog(sleeper.pid, shown, "train")
    assert looks(watchdog, shown, turning=False)[-1]
    redis_server.stop()
    try:
        assert not watchdog.is_deaf()
    finally:
        redis_server.start()
    assert looks(watchdog, shown, turning=False) == [False] * (LOOKS - 1) + [True]
