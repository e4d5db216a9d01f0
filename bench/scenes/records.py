"""What the runs left: a file of JSON each in a runner's folder; and, per task, the file that is published."""

from pathlib import Path

from pydantic import BaseModel

from bench.results.records import as_text
from contract.tasks import TaskName


class Record(BaseModel):
    key: str
    arm: str
    seed: int
    digest: str
    images_seen: int
    images_seen_before: int  # by the classifier whose weights it began with
    cpu_seconds: float  # of the training alone; a busy machine stretches it less than the time by the clock
    cpu_seconds_before: float
    test: dict[str, float]  # the task's figures on the test split
    untrained: dict[str, float]  # those of the same network before its first step


class Published(BaseModel):
    task: TaskName
    machine: str
    families: list[str]
    records: list[Record]


def read(folder: Path, key: str) -> Record | None:
    path = folder / f"{key}.json"
    return Record.model_validate_json(path.read_bytes()) if path.exists() else None


def keep(folder: Path, record: Record) -> None:
    """Whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{record.key}"
    unfinished.write_text(record.model_dump_json())
    unfinished.replace(folder / f"{record.key}.json")


def publish(path: Path, found: Published) -> None:
    path.write_text(as_text(found, found.records))


def published(path: Path) -> Published | None:
    return Published.model_validate_json(path.read_bytes()) if path.exists() else None
