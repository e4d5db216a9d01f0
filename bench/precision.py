"""What bf16 is worth on this CPU: the time of a training step in fp32 against bf16, network by network.

`python bench/precision.py [--only NAME...]` prints the rows of docs/performance.md's table. One thread, CPU time, the
two in turns, medians; forward, backward and the step of the optimizer on random images.
"""

# ruff: noqa: E402 - imports follow the repaired path

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median

# A script's own folder comes first on the path, where `trainer` would be bench/trainer.py.
sys.path[0] = str(Path(__file__).parents[1])

import torch
from torch.nn import functional

from contract.specs import ModelSpec
from trainer import models
from trainer.machine import device

NETWORKS = {"resnet20": 32, "resnet18": 160, "efficientnet_lite0": 160, "mobilenet_v2": 160, "mobilenet_v3_small": 160}
IMAGES, CLASSES, TURNS, WARM_UP = 32, 10, 9, 2
CPU = torch.device("cpu")


class Step:
    """One network in training, in one precision."""

    def __init__(self, name: str, side: int, precision: device.Precision) -> None:
        torch.manual_seed(0)
        spec = ModelSpec.model_validate({"architecture": name, "pretrained": None, "stem": _stem(side)})
        self._net = device.place(models.build(spec, num_classes=CLASSES, channels=3), CPU).train()
        self._optimizer = torch.optim.SGD(self._net.parameters(), lr=0.01)
        self._images = torch.randn(IMAGES, 3, side, side).to(memory_format=torch.channels_last)
        self._precision = precision

    def seconds(self) -> float:
        started = time.process_time()
        with device.autocast(CPU, self._precision):
            logits = self._net(self._images)
        self._optimizer.zero_grad()
        functional.cross_entropy(logits.float(), torch.arange(IMAGES) % CLASSES).backward()
        self._optimizer.step()
        return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    torch.set_num_threads(1)
    print("| network | px | fp32 / bf16 time of a step |\n|---|---|---|")
    for name in parser.parse_args().only:
        steps = [Step(name, NETWORKS[name], precision) for precision in ("fp32", "bf16")]
        turns = [[step.seconds() for step in steps] for _ in range(WARM_UP + TURNS)][WARM_UP:]
        print(f"| `{name}` | {NETWORKS[name]} | {median(exact / rough for exact, rough in turns):.2f}x |", flush=True)


def _stem(side: int) -> str:
    return "small" if side < 64 else "imagenet"


if __name__ == "__main__":
    main()
