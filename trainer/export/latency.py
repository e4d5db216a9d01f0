"""Time model files in a process of their own: `python latency.py MODEL [MODEL...]`, started by `measurement`.

One thread, batch 1. The files take turns, so that a busy machine slows all of them. The first is the one being
measured: peak memory is read before the others are opened. numpy and onnxruntime only, so that the memory is what an
application would need, and no pool of torch's threads is about.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

WARM_UP_RUNS = 20
RUNS_PER_TURN = 10
MAX_RUNS = 300
MAX_SECONDS = 5.0


def main(paths: list[str]) -> None:
    first = _open(paths[0])
    batch = _batch(first)
    _run(first, batch, runs=WARM_UP_RUNS)
    peak_rss_bytes = _peak_rss_bytes()
    sessions = [first, *(_open(path) for path in paths[1:])]
    for session in sessions[1:]:
        _run(session, batch, runs=WARM_UP_RUNS)
    seconds = _take_turns(sessions, batch)
    percentiles = [dict(zip(("p50", "p90", "p99"), np.percentile(s, [50, 90, 99]) * 1e3, strict=True)) for s in seconds]
    print(json.dumps({"latency_ms": percentiles, "runs": len(seconds[0]), "peak_rss_bytes": peak_rss_bytes}))


def _open(path: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _batch(session: onnxruntime.InferenceSession) -> np.ndarray:
    _, *image_shape = session.get_inputs()[0].shape
    return np.random.default_rng(0).standard_normal((1, *image_shape), dtype=np.float32)


def _run(session: onnxruntime.InferenceSession, batch: np.ndarray, *, runs: int) -> list[float]:
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        session.run(["logits"], {"image": batch})
        seconds.append(time.perf_counter() - started)
    return seconds


def _take_turns(sessions: list[onnxruntime.InferenceSession], batch: np.ndarray) -> list[list[float]]:
    seconds: list[list[float]] = [[] for _ in sessions]
    deadline = time.perf_counter() + MAX_SECONDS
    while len(seconds[0]) < MAX_RUNS and (not seconds[0] or time.perf_counter() < deadline):
        for session, mine in zip(sessions, seconds, strict=True):
            mine.extend(_run(session, batch, runs=RUNS_PER_TURN))
    return seconds


def _peak_rss_bytes() -> int | None:
    """Of this program alone: getrusage would count the parent's pages, which a child shows until it calls exec."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main(sys.argv[1:])
