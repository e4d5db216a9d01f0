"""The machine that results are from, in one line."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def describe() -> str:
    cores = len(os.sched_getaffinity(0))
    return (
        f"{_processor()}, {cores} cores, one thread a run, torch {version('torch')}, Python {platform.python_version()}"
    )


def _processor() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.processor()
