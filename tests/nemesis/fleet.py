"""The workers: how many there are to be, and who is started again when one dies, as a deployment's supervisor would."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from tests.worker.processes import Worker, command_line

RESTART_SECONDS = 1.0
Variables = Callable[[str, bool], dict[str, str]]  # of a worker's name, and whether it has a network of its own


class Fleet:
    """So many workers. Every process has a new name, which is its role in Postgres; a place keeps its disk."""

    def __init__(self, folder: Path, variables: Variables) -> None:
        self.everyone: list[Worker] = []
        self.before: Sequence[str] = ()  # stands before the command of a worker with a network of its own
        self._apart = 0  # so many of the places
        self._places: list[Worker] = []
        self._disks: list[int] = []  # by place
        self._queues: list[str] = []  # by place
        self._spare_disks = itertools.count()
        self._folder = folder
        self._variables = variables
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._held = False
        self._keeper: threading.Thread | None = None

    def start(self, size: int, short: int = 0, *, apart: int = 0) -> None:
        """`size` workers that train, the first `apart` of them in a network of their own, and `short` of short work."""
        self._over.clear()
        with self._lock:
            self._apart = apart
            self._queues = ["train"] * size + ["short"] * short
            self._disks = list(range(size + short))
            self._spare_disks = itertools.count(size + short)
            self._places = [self._new(place) for place in range(size + short)]
        self.wait_until_ready()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._keeper.start()

    def stop(self) -> None:
        """All of them, by force; also those that were replaced, standing still or not."""
        self._over.set()
        if self._keeper:
            self._keeper.join()
        for worker in self.everyone:
            worker.end()
        self._places = []

    @property
    def workers(self) -> list[Worker]:
        with self._lock:
            return list(self._places)

    def hold(self) -> None:
        """Nobody is started again."""
        self._held = True

    def go_on(self) -> None:
        self._held = False

    def wait_until_ready(self) -> None:
        for worker in self.workers:
            worker.wait_until_ready()

    def named(self, name: str | None) -> Worker | None:
        return next((worker for worker in self.everyone if worker.name == name), None)

    def replace(self, worker: Worker, *, apart: bool = True) -> Worker:
        """Another one in the place of a worker that still lives: what an orchestrator does with a silent node.

        Where its place has a network of its own, `apart` says whether the new one is in it.
        """
        with self._lock:
            self._apart = self._apart if apart else 0
            place = self._places.index(worker)
            self._disks[place] = next(self._spare_disks)  # that of the silent one may be locked by it
            self._places[place] = self._new(place)
            return self._places[place]

    def _new(self, place: int) -> Worker:
        name = f"w{next(self._numbers)}"
        apart = place < self._apart
        disk = {"PATCHSWAP_SCRATCH_DIR": str(self._folder / f"disk-{self._disks[place]}")}
        variables, before = self._variables(name, apart) | disk, self.before if apart else ()
        worker = Worker(self._queues[place], folder=self._folder, name=name, variables=variables, before=before)
        self.everyone.append(worker)
        return worker

    def _keep(self) -> None:
        while not self._over.wait(RESTART_SECONDS):
            with self._lock:
                for place, worker in enumerate(self._places):
                    if worker.process.poll() is not None and not (self._held or self._over.is_set()):
                        self._places[place] = self._new(place)


def trainers(job_id: str) -> list[psutil.Process]:
    """Live trainer processes of a job: its id stands in the path of the spec they were given."""
    lines = {process: command_line(process) for process in psutil.process_iter()}
    return [
        process
        for process, line in lines.items()
        if any(job_id in part for part in line) and any("trainer" in part for part in line)
    ]


def wait_gone(pids: Sequence[int], *, seconds: float) -> list[int]:
    """Which of the processes still live after so long."""
    deadline = time.monotonic() + seconds
    while (alive := [pid for pid in pids if _lives(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
