"""What a worker process is given to do; it is named without importing torch, which only workers need."""

from pathlib import Path

from bench.scenes.plan import Run
from bench.scenes.records import Record


def perform(run: Run, folder: Path) -> Record:
    from bench.scenes import running  # noqa: PLC0415 - torch, which takes seconds

    return running.perform(run, folder / run.task, folder / "classifiers")
