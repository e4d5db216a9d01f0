"""ResNet-18 at 32 px on a GPU: images/s, the share of the measured bf16 matmul peak, and where the rest goes.

`python bench/cuda.py [--pairs 256] [--steps 100]` prints "no CUDA device" where there is none. torch >= 2.10.
"""

# ruff: noqa: E402 - imports follow the repaired path

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

# A script's own folder comes first on the path, where `trainer` would be this file.
sys.path[0] = str(Path(__file__).parents[1])

import torch
from torch.profiler import ProfilerActivity, profile

from contract.specs import parse, resolve
from tests.data import packs
from trainer import models
from trainer.data.pack import Pack, open_pack
from trainer.machine import device
from trainer.training import compilation, loop, run
from trainer.training.assignment import Assignment

WARM_UP = 20
ROUNDS = 5
GOAL_SHARE = 0.20  # of the measured matmul peak
MATMUL = 8192


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("no CUDA device")
        return
    chosen = device.choose()
    peak = matmul_peak()
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}; bf16 matmul {peak / 1e12:,.0f} TFLOP/s\n")
    print("| variant | images/s | share of the peak | goal | reached |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        packs.shapes(Path(folder), counts=(8192, 0, 8))
        pack = open_pack(Path(folder))
        for compiled in ("off", "on"):
            one = assemble(pack, chosen, pairs=arguments.pairs, compiled=compiled)
            for notice in compilation.apply(one):
                print(f"<!-- {notice.code}: {notice.message} -->")
            report(one, peak, steps=arguments.steps, name=f"patch_swap, compile {compiled}")
        where_time_goes(one)


def assemble(pack: Pack, chosen: torch.device, *, pairs: int, compiled: str) -> run.Run:
    body = {
        "dataset": "x",
        "model": {"architecture": "resnet18"},
        "method": {"name": "patch_swap"},
        "training": {"epochs": 1000, "pairs_per_batch": pairs, "compile": compiled},
    }
    spec = resolve(parse(body), pack.manifest)[0]
    return run.assemble(Assignment(spec, pack, Path(), "main", chosen))


def report(one: run.Run, peak: float, *, steps: int, name: str) -> None:
    for _ in range(WARM_UP):
        loop.train_step(one)
    seconds = median(timed(one, steps) for _ in range(ROUNDS))
    rate = steps * one.plan.images_per_step / seconds
    shape = (one.manifest.channels, one.spec.height, one.spec.width)
    # Forward and backward are three times the forward's multiply-accumulates, each two operations.
    flops = 6 * models.count_macs(one.model.eval(), shape)
    one.model.train()
    share = rate * flops / peak
    print(f"| {name} | {rate:,.0f} | {share:.1%} | >= {GOAL_SHARE:.0%} | {'yes' if share >= GOAL_SHARE else 'no'} |")


def timed(one: run.Run, steps: int) -> float:
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(steps):
        loop.train_step(one)
    torch.cuda.synchronize()
    return time.perf_counter() - started


def matmul_peak() -> float:
    """FLOP/s of a large bf16 matrix product, median of several."""
    a, b = (torch.randn(MATMUL, MATMUL, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    seconds = []
    for _ in range(20):
        torch.cuda.synchronize()
        started = time.perf_counter()
        a @ b
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return 2 * MATMUL**3 / median(seconds[5:])


def where_time_goes(one: run.Run) -> None:
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
        timed(one, 20)
    print(f"\n```\n{profiled.key_averages().table(sort_by='cuda_time_total', row_limit=20)}\n```")


if __name__ == "__main__":
    main()
