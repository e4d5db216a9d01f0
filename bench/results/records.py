"""What a run left: a line of JSON. The store takes them one by one and survives being killed at any time."""

import fcntl
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError


class Figures(BaseModel):
    """A trained net on one split."""

    top1_accuracy: float
    nll: float
    ece: float | None = None  # not measured in trials


class Record(BaseModel):
    key: str
    dataset: str
    method: str
    seed: int
    settings: dict[str, Any]
    digest: str
    images_seen: int
    cpu_seconds: float  # of the training alone; a busy machine stretches it less than the time by the clock
    validation: Figures | None = None  # None where the training failed
    test: Figures | None = None  # None in trials and where the training failed
    failure: str | None = None  # the code of the trainer's error


class Store:
    """The records of a folder, by key."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "runs.jsonl"
        self.records = {record.key: record for record in self._read()}

    def append(self, record: Record) -> None:
        """Write and sync a line. A torn line of an earlier kill is closed first, so that it spoils no other."""
        with self._path.open("ab+") as file:
            if file.tell() and not self._ends_with_newline(file):
                file.write(b"\n")
            file.write(record.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.records[record.key] = record

    def _read(self) -> Iterator[Record]:
        lines = self._path.read_bytes().splitlines() if self._path.exists() else []
        for line in lines:
            try:
                yield Record.model_validate_json(line)
            except ValidationError:  # torn by a kill; its run is done again
                continue

    @staticmethod
    def _ends_with_newline(file: Any) -> bool:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def as_text(published: BaseModel, records: Iterable[BaseModel]) -> str:
    """What is published and has these `records`, one a line, so that a difference can be read."""
    head = json.dumps(published.model_dump(mode="json", exclude={"records"}), indent=1)
    lines = ",\n".join(f"  {record.model_dump_json(exclude_none=True)}" for record in records)
    return f'{head.removesuffix(chr(10) + "}")},\n "records": [\n{lines}\n ]\n}}\n'


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One runner at a time in a folder. Raises BlockingIOError for a second."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """`locked` for a command: a second one ends with a sentence and status 1, and so does Ctrl-C."""
    try:
        with locked(folder):
            yield
    except BlockingIOError:
        sys.exit(f"another run is at work in {folder}; wait for it or give another --folder")
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on where this one was")
