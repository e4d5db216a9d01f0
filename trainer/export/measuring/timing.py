"""How fast a file runs and how much memory it takes, from a process of its own that knows nothing of torch."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from portable import latency
from portable.profiling import processor_name
from trainer.errors import export_failed

_LIMIT_SECONDS = 300


def time_models(runtime: ModuleType, folders: list[Path]) -> dict[str, Any]:
    """Latency of the first model, and of an fp32 one in turns with it; the memory that the first one takes.

    `runtime` is of `portable.runtimes`. Raises TrainerError.
    """
    command = [sys.executable, "-I", latency.__file__, str(runtime.__file__), *map(str, folders)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_LIMIT_SECONDS)
    if done.returncode != 0:
        raise export_failed("measure latency", done.stderr.strip().rpartition("\n")[2])
    timed = json.loads(done.stdout)
    measured: dict[str, float] = {}
    for prefix, percentiles in zip(("", "fp32_"), timed["latency_ms"], strict=False):
        measured |= {f"{prefix}latency_ms_{name}": value for name, value in percentiles.items()}
    return measured | {
        "latency_runs": timed["runs"],
        "threads": 1,
        "peak_rss_bytes": timed["peak_rss_bytes"],
        "cpu": processor_name(),
        "runtime": timed["runtime"],
    }
