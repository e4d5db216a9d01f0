"""`python -m tests.trainer.killed STEP MOMENT ARGUMENTS...`: the trainer, which gets SIGKILL at an exact moment.

It saves after every step. MOMENT: `step` kills after STEP completed and was saved; `write` while the checkpoint of
STEP is half written; `rename` when it is written and not yet visible.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from trainer import __main__
from trainer.machine import durable
from trainer.training import checkpoint, loop


def main() -> int:
    step, moment, *arguments = sys.argv[1:]
    sys.argv[1:] = arguments
    loop.Clock.checkpoint_due = lambda *_: True
    fatal = checkpoint.name_of(int(step))
    {"step": _kill_after_save, "write": _kill_in_write, "rename": _kill_before_rename}[moment](fatal)
    return __main__.main()


def _kill_after_save(fatal: str) -> None:
    prune = checkpoint.prune

    def prune_and_die(folder: Path, **options: Any) -> None:
        prune(folder, **options)
        if checkpoint.newest_first(folder)[0].name == fatal:
            _die()

    checkpoint.prune = prune_and_die


def _kill_in_write(fatal: str) -> None:
    write = durable.write

    def write_half(path: Path, content: Any) -> None:
        if path.name == fatal:
            path.write_bytes(bytes(content)[: len(content) // 2])  # as a file system that lost the rest would show it
            _die()
        write(path, content)

    durable.write = write_half


def _kill_before_rename(fatal: str) -> None:
    replace = Path.replace

    def replace_or_die(self: Path, target: Path) -> Path:
        if Path(target).name == fatal:
            _die()
        return replace(self, target)

    Path.replace = replace_or_die


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
