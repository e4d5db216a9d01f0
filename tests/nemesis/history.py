"""What a run did and saw, in the order it happened: JSON lines, written as they come, read by the oracle afterwards."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any


class History:
    """One file a run. `op` is what was done: submit, poll, cancel ..., fault, proof, figure."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    def add(self, op: str, *, start: float | None = None, **told: Any) -> dict[str, Any]:
        """`start` and `end` are Unix times; an op that took no time has one."""
        now = time.time()
        line = {"op": op, "start": start or now, "end": now, **told}
        with self._lock:
            self.lines.append(line)
            with self.path.open("a") as file:
                file.write(json.dumps(line, default=str) + "\n")
        return line

    def of(self, *ops: str) -> list[dict[str, Any]]:
        with self._lock:
            return [line for line in self.lines if line["op"] in ops]


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
