"""What keeping freed memory is worth on this CPU: a training step with glibc's defaults against one of a trainer.

`python bench/allocation.py [--only NAME...]` prints the rows of docs/performance.md's table. Each measurement is a
process of its own, the two in turns; one thread, CPU time with the kernel's, medians of the turns.
"""

# ruff: noqa: E402 - imports follow the repaired path

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from statistics import median

# A script's own folder comes first on the path, where `trainer` would be bench/trainer.py.
sys.path[0] = str(Path(__file__).parents[1])

import torch

from bench.precision import CPU, NETWORKS, Step
from trainer.machine import device

TURNS, STEPS, WARM_UP = 3, 5, 3
DEFAULTS, KEPT = "defaults", "kept"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--child", choices=(DEFAULTS, KEPT), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(*_measured(asked.only[0], kept=asked.child == KEPT))
        return
    print("| network | px | defaults / kept, time of a step | peak memory, kept / defaults |\n|---|---|---|---|")
    for name in asked.only:
        turns = [{how: _in_a_process(name, how) for how in (DEFAULTS, KEPT)} for _ in range(TURNS)]
        faster = median(turn[DEFAULTS][0] / turn[KEPT][0] for turn in turns)
        memory = median(turn[KEPT][1] / turn[DEFAULTS][1] for turn in turns)
        print(f"| `{name}` | {NETWORKS[name]} | {faster:.2f}x | {memory:.2f}x |", flush=True)


def _in_a_process(name: str, how: str) -> tuple[float, float]:
    command = [sys.executable, __file__, "--only", name, "--child", how]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(found[0]), float(found[1])


def _measured(name: str, *, kept: bool) -> tuple[float, int]:
    """CPU seconds of a step, and the peak memory of the process in bytes."""
    torch.set_num_threads(1)
    if kept:
        device.choose()
    step = Step(name, NETWORKS[name], "fp32")
    return median([step.seconds() for _ in range(WARM_UP + STEPS)][WARM_UP:]), device.peak_bytes(CPU)


if __name__ == "__main__":
    main()
