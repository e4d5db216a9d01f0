"""The hardware of this machine in words, without torch: the sweeper has none."""

import os
import platform
from collections import Counter
from pathlib import Path

GPUS = Path("/proc/driver/nvidia/gpus")


def described(gpus: Path = GPUS) -> str:
    """`2 x NVIDIA H200`; where the driver shows no GPU, or none may be used, `cpu (x86_64, 16 threads)`."""
    found = [] if os.environ.get("CUDA_VISIBLE_DEVICES") == "" else sorted(gpus.glob("*/information"))
    models = Counter(_model(path.read_text()) for path in found)
    if models:
        return ", ".join(f"{count} x {model}" for model, count in models.items())
    return f"cpu ({platform.machine()}, {len(os.sched_getaffinity(0))} threads)"


def _model(information: str) -> str:
    fields = dict(line.split(":", 1) for line in information.splitlines() if ":" in line)
    return fields.get("Model", "GPU").strip()
