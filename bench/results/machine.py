"""The machine that results are from, in one line."""

import os
import platform
from importlib.metadata import version

from bench.figures import processor


def describe() -> str:
    cores = len(os.sched_getaffinity(0))
    return (
        f"{processor()}, {cores} core{"s" if cores > 1 else ""}, one thread a run, torch {version('torch')}, Python {platform.python_version()}"
    )
