"""The one way out: messages of contract.child.messages as JSON lines on the stdout the process was started with."""

import os
import sys
from typing import Self

from contract.child.messages import Message


class Output:
    """Owns the original stdout; whatever else writes to stdout lands on stderr, so no library can break a line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def claim_stdout(cls) -> Self:
        sys.stdout.flush()
        descriptor = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        return cls(descriptor)

    def emit(self, message: Message) -> None:
        """Write one whole line. Raises BrokenPipeError where the reader is gone, which ends the run."""
        line = memoryview(message.model_dump_json().encode() + b"\n")
        while line:
            line = line[os.write(self._descriptor, line) :]
