"""The runs that are missing, a worker process a core. May be killed at any time: what is done is in the store."""

import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from bench.results.protocol import Run, Study
from bench.results.records import Record, Store


@dataclass
class Runner:
    studies: Sequence[Study]
    methods: Sequence[str]
    store: Store
    folder: Path
    jobs: int
    deadline: float  # of time.monotonic(): no run begins after it
    broken: set[tuple[str, str]] = field(default_factory=set)  # (data set, method) whose run raised: a fault of ours

    def work(self) -> None:
        """Run until nothing is missing, or the deadline. Never more runs are begun than there are workers."""
        flying: dict[Future[Record], Run] = {}
        with pool(self.jobs) as workers:
            while True:
                for run in self._next(flying.values()):
                    flying[workers.submit(_perform, run, self.folder)] = run
                if not flying:
                    return
                for future in wait(flying, return_when=FIRST_COMPLETED).done:
                    self._landed(flying.pop(future), future)

    def _next(self, flying: Iterator[Run] | Sequence[Run]) -> list[Run]:
        busy = {run.key for run in flying}
        free = self.jobs - len(busy)
        if time.monotonic() >= self.deadline:
            return []
        found: dict[str, Run] = {}
        for run in self._ready():
            if len(found) >= free:
                break
            if run.key not in busy:
                found[run.key] = run
        return list(found.values())

    def _ready(self) -> Iterator[Run]:
        for study in self.studies:
            for run in study.ready(self.methods, self.store.records):
                if (run.dataset, run.method) not in self.broken:
                    yield run

    def _landed(self, run: Run, future: Future[Record]) -> None:
        try:
            record = future.result()
        except BrokenProcessPool:  # a worker was killed, by a shortage of memory as a rule: no method's fault
            raise
        except Exception:  # noqa: BLE001 - a fault in one method must not cost the night; it is shown, and ends in failure
            self.broken.add((run.dataset, run.method))
            print(f"{run.dataset} {run.method} {run.settings} seed {run.seed} broke:", file=sys.stderr)
            traceback.print_exc()
            return
        self.store.append(record)
        print(_line(record), flush=True)


def pool(jobs: int) -> ProcessPoolExecutor:
    """Workers of one thread each that end with this process, however it ends."""
    os.environ |= {"OMP_NUM_THREADS": "1", "PATCHSWAP_DIE_WITH_PARENT": "1"}
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare)


def _prepare() -> None:
    """Only workers import torch, which takes seconds."""
    from bench.results import running  # noqa: PLC0415

    running.prepare()


def _perform(run: Run, folder: Path) -> Record:
    from bench.results import running  # noqa: PLC0415

    return running.perform(run, folder)


def _line(record: Record) -> str:
    what = "trial" if record.seed == 0 else f"seed {record.seed}"
    measured = record.test or record.validation
    split = "test" if record.test else "val"
    found = f"{split} {100 * measured.top1_accuracy:.1f} %" if measured else f"failed: {record.failure}"
    settings = ", ".join(f"{name.split('.')[1]} {value:g}" for name, value in record.settings.items())
    return f"{record.dataset} {record.method} {what} ({settings}): {found}, {record.cpu_seconds:.1f} s"
