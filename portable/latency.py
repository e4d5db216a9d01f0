"""Time models in a process of their own: `python latency.py RUNTIME.py FOLDER [FOLDER...]`.

One thread, batch 1. The models take turns, so that a busy machine slows all of them. The first is the one being
measured: peak memory is read before the others are opened. numpy and the runtime only, so that the memory is what an
application would need, and no pool of torch's threads is about.
"""

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WARM_UP_RUNS = 20
RUNS_PER_TURN = 10
MAX_RUNS = 300
MAX_SECONDS = 5.0

Model = Callable[[np.ndarray], list[np.ndarray]]


def time_in_turns(runtime: Any, folders: list[Path]) -> dict[str, Any]:
    """Percentiles of each folder's model in milliseconds, and the peak memory once the first was run."""
    first = runtime.Model(folders[0], threads=1)
    batch = np.random.default_rng(0).standard_normal((1, *first.image_shape), dtype=np.float32)
    _run(first, batch, runs=WARM_UP_RUNS)
    peak_rss_bytes = _peak_rss_bytes()
    models = [first, *(runtime.Model(folder, threads=1) for folder in folders[1:])]
    for model in models[1:]:
        _run(model, batch, runs=WARM_UP_RUNS)
    seconds = _take_turns(models, batch)
    percentiles = [dict(zip(("p50", "p90", "p99"), np.percentile(s, [50, 90, 99]) * 1e3, strict=True)) for s in seconds]
    return {
        "runtime": runtime.NAME,
        "latency_ms": percentiles,
        "runs": len(seconds[0]),
        "peak_rss_bytes": peak_rss_bytes,
    }


def load(file: str) -> Any:
    """The runtime by its file: its package, imported by name, would bring torch."""
    spec = importlib.util.spec_from_file_location("runtime", file)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - a .py file has both
    runtime = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runtime)
    return runtime


def _run(model: Model, batch: np.ndarray, *, runs: int) -> list[float]:
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        model(batch)
        seconds.append(time.perf_counter() - started)
    return seconds


def _take_turns(models: list[Model], batch: np.ndarray) -> list[list[float]]:
    seconds: list[list[float]] = [[] for _ in models]
    deadline = time.perf_counter() + MAX_SECONDS
    while len(seconds[0]) < MAX_RUNS and (not seconds[0] or time.perf_counter() < deadline):
        for model, mine in zip(models, seconds, strict=True):
            mine.extend(_run(model, batch, runs=RUNS_PER_TURN))
    return seconds


def _peak_rss_bytes() -> int | None:
    """Of this program alone: getrusage would count the parent's pages, which a child shows until it calls exec."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(time_in_turns(load(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])))
