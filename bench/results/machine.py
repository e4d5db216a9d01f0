"""The machine that results are from, in one line."""

import os
import platform
from importlib.metadata import version

from bench.figures import processor


def describe() -> str:
    count = len(os.sched_getaffinity(0))
    cores = "1 core" if count == 1 else f"{count} cores"
    return f"{processor()}, {cores}, one thread a run, torch {version('torch')}, Python {platform.python_version()}"
