"""`python -m tests.trainer.chatty ARGUMENTS...`: the trainer in the company of libraries that print to stdout."""

import os
import sys
from typing import Any

from trainer import __main__
from trainer.training import loop

_step = loop.train_step


def train_step(run: Any) -> None:
    print("a library chatters")
    os.write(1, b"C code chatters\n")
    _step(run)


loop.train_step = train_step
sys.exit(__main__.main())
