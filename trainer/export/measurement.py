"""What an exported file does, measured on the file: accuracy over the held-out split, speed, memory, what it stores."""

import json
import subprocess
import sys
from collections.abc import Generator
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from core.progress import Working
from trainer.export import conversion, heldout, latency
from trainer.export.failures import export_failed
from trainer.export.heldout import HeldOut

Logits = NDArray[np.float32]
COMPARED_IMAGES = 256


def run_files(
    paths: list[Path], held_out: HeldOut, net: nn.Module
) -> Generator[Working, None, tuple[list[Logits], Logits]]:
    """The logits of each file over the whole split, and the trained network's for the first images of it."""
    sessions = [open_session(path) for path in paths]
    total = ceil(len(held_out.rows) / heldout.BATCH_SIZE)
    logits: list[list[Logits]] = [[] for _ in paths]
    trained: list[Logits] = []
    for done, batch in enumerate(held_out.batches()):
        yield Working(activity="measure accuracy", done=done, total=total)
        for session, mine in zip(sessions, logits, strict=True):
            mine.append(run(session, batch))
        if done * heldout.BATCH_SIZE < COMPARED_IMAGES:
            with torch.no_grad():
                trained.append(net(torch.from_numpy(batch)).numpy())
    return [np.concatenate(mine) for mine in logits], np.concatenate(trained)


def open_session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(session: onnxruntime.InferenceSession, batch: NDArray[np.float32]) -> Logits:
    logits: Logits = session.run([conversion.OUTPUT_NAME], {conversion.INPUT_NAME: batch})[0]
    return logits


def compare(logits: Logits, reference: Logits, *, name: str) -> dict[str, float | int]:
    """How a file's logits agree with a reference's for the reference's images, keys prefixed by its name."""
    difference = np.abs(logits[: len(reference)].astype(np.float64) - reference)
    same = logits[: len(reference)].argmax(1) == reference.argmax(1)
    return {
        f"{name}_images": len(reference),
        f"{name}_agreement": float(same.mean()),
        f"{name}_mean_difference": float(difference.mean()),
        f"{name}_max_difference": float(difference.max()),
    }


def time_files(paths: list[Path]) -> dict[str, Any]:
    """Latency of the first file, and of the second in turns with it, and the memory the first one takes."""
    command = [sys.executable, "-I", latency.__file__, *map(str, paths)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise export_failed("measure latency", done.stderr.strip().rpartition("\n")[2])
    timed = json.loads(done.stdout)
    measured = {f"latency_ms_{name}": value for name, value in timed["latency_ms"][0].items()}
    for reference in timed["latency_ms"][1:]:
        measured |= {f"fp32_latency_ms_{name}": value for name, value in reference.items()}
    return measured | {
        "latency_runs": timed["runs"],
        "threads": 1,
        "peak_rss_bytes": timed["peak_rss_bytes"],
        "cpu": processor_name(),
        "onnxruntime": onnxruntime.__version__,
    }


def weights_by_dtype(path: Path) -> dict[str, int]:
    """How many weights a file stores in each type: the elements of its constants of two and more dimensions."""
    counts: dict[str, int] = {}
    for constant in onnx.load(path).graph.initializer:
        if len(constant.dims) >= 2:
            dtype = onnx.helper.tensor_dtype_to_np_dtype(constant.data_type).name
            counts[dtype] = counts.get(dtype, 0) + int(np.prod(constant.dims))
    return counts


def processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"
