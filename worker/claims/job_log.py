"""Lines of a job's log on their way to the ledger: bounded, and without what is nobody's to read."""

import re
import threading
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from core.jobs.logs import LONGEST_LINE, Line, Source
from core.settings import settings

WAITING_LINES = 1_000  # a write is a second apart: a trainer that says more is not kept up with
_LONGEST_BYTES = 4 * LONGEST_LINE  # of a line without an end
_SECRETS = re.compile(
    r"psk_[A-Za-z0-9_-]{8,}"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|(?<=Signature=)[A-Za-z0-9%/+=-]{16,}"
    r"|(?i:(?<=bearer )[A-Za-z0-9._~+/-]{8,}=*)"
)


class JobLog:
    """Fed by the thread that reads a trainer's stderr, taken by the one that writes to the ledger."""

    def __init__(self, folder: Path) -> None:
        self._hidden = {str(folder): ".", **dict.fromkeys(_secrets(), "***")}
        self._lock = threading.Lock()
        self._waiting: deque[Line] = deque()
        self._left_out = 0
        self._open = b""  # the line that has not ended yet

    def say(self, text: str) -> None:
        """What the worker did."""
        with self._lock:
            self._add("worker", text)

    def feed(self, chunk: bytes) -> None:
        """A piece of the trainer's stderr. Of a line that is written over, as progress bars are, the last state."""
        with self._lock:
            *whole, self._open = (self._open + chunk).split(b"\n")
            for line in whole:
                self._add("trainer", _last_state(line))
            if len(self._open) > _LONGEST_BYTES:
                self._open = _last_state(self._open)[-_LONGEST_BYTES:]

    def end_line(self) -> None:
        """The trainer is over: what it said last may have no end."""
        with self._lock:
            line, self._open = self._open, b""
            self._add("trainer", _last_state(line))

    def waits(self) -> bool:
        return bool(self._waiting)

    def waiting(self) -> list[Line]:
        """All of them, which stay until they are `written`."""
        with self._lock:
            if self._left_out:
                text = f"{self._left_out} lines are left out: the trainer says more than is kept"
                self._waiting.append(Line("worker", datetime.now(UTC), text))
                self._left_out = 0
            return list(self._waiting)

    def written(self, count: int) -> None:
        with self._lock:
            for _ in range(count):
                self._waiting.popleft()

    def _add(self, source: Source, line: str | bytes) -> None:
        text = line.decode(errors="replace") if isinstance(line, bytes) else line
        if not text.strip():
            return
        if len(self._waiting) >= WAITING_LINES:
            self._left_out += 1
            return
        self._waiting.append(Line(source, datetime.now(UTC), self._cleaned(text)))

    def _cleaned(self, text: str) -> str:
        for hidden, shown in self._hidden.items():
            text = text.replace(hidden, shown)
        text = _SECRETS.sub("***", text)
        return "".join(c if c.isprintable() or c == "\t" else "?" for c in text.rstrip())[:LONGEST_LINE]


def _last_state(line: bytes) -> bytes:
    return line.rstrip(b"\r").rpartition(b"\r")[2]


def _secrets() -> Iterator[str]:
    """Of the settings, in case a library prints what it was given."""
    config = settings()
    urls = (config.database_url, config.redis_url, config.objects_url)
    for secret in (config.s3_secret_access_key, *(urlsplit(url).password for url in urls)):
        if secret:
            yield secret
