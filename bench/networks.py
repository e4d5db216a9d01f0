"""docs/networks.md's table: size, work, bytes and latency of each classifier as an ONNX file, fp32 and int8.

`python -m bench.networks [--only NAME...]` keeps a row for each network in docs/results/networks.json and writes the
table from all of them. Time is the CPU time of one thread, int8 and fp32 in turns, so that other programs on the
machine change it little. The weights are random: they change neither bytes nor time. What int8 costs in accuracy is
measured by each export.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.pages import write_between
from contract.architectures import NOT_PRUNABLE
from contract.specs import ModelSpec
from contract.tasks import TERMS
from contract.weights import built_in_for
from portable.runtimes import onnx_runtime
from trainer import models
from trainer.export.formats import conversion, quantization
from trainer.export.inputs import Calibration
from trainer.export.measuring import timing
from trainer.models import folding

DOCUMENT, ROWS = Path("docs/networks.md"), Path("docs/results/networks.json")
BEGIN, END = "<!-- bench/networks.py writes from here -->", "<!-- to here -->"
SIDE_PX, CLASSES, CALIBRATION_IMAGES = 224, 10, 32
WARM_UP, TURNS = 10, 50
SMALL_ONLY = ("resnet20", "resnet32")  # made for 32 px
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=TERMS["classification"].architectures)
    rows = json.loads(ROWS.read_text()) if ROWS.is_file() else {}
    for name in parser.parse_args().only:
        rows[name] = measure(name)
        print(json.dumps({name: rows[name]}), flush=True)
        ROWS.write_text(json.dumps(rows, indent=2) + "\n")
        write(rows)


def measure(name: str) -> Row:
    side = 32 if name in SMALL_ONLY else SIDE_PX
    net = network(name, "small" if name in SMALL_ONLY else "imagenet", side)
    shape = (3, side, side)
    with tempfile.TemporaryDirectory() as folder:
        fp32, int8 = (Path(folder) / each for each in ("fp32", "int8"))
        for each in (fp32, int8):
            each.mkdir()
        conversion.convert(net, image_shape=shape, path=fp32 / "model.onnx")
        batches = [torch.randn(16, *shape).numpy() for _ in range(CALIBRATION_IMAGES // 16)]
        quantization.quantize(fp32 / "model.onnx", int8 / "model.onnx", Calibration(iter(batches), len(batches)))
        int8_ms, fp32_ms = cpu_milliseconds([int8, fp32], shape)
        sizes = {each.name: (each / "model.onnx").stat().st_size for each in (fp32, int8)}
    return {
        "side_px": side,
        "parameters": models.count_parameters(net),
        "macs": models.count_macs(net, shape),
        "fp32_bytes": sizes["fp32"],
        "int8_bytes": sizes["int8"],
        "fp32_ms": fp32_ms,
        "int8_ms": int8_ms,
        "cpu": timing.processor_name(),
        "runtime": onnx_runtime.NAME,
    }


def cpu_milliseconds(folders: list[Path], shape: tuple[int, int, int]) -> list[float]:
    """The median of each file, batch 1."""
    opened = [onnx_runtime.Model(folder, threads=1) for folder in folders]
    batch = np.random.default_rng(0).standard_normal((1, *shape), dtype=np.float32)
    taken: list[list[float]] = [[] for _ in opened]
    for turn in range(WARM_UP + TURNS):
        for model, mine in zip(opened, taken, strict=True):
            started = time.process_time()
            model(batch)
            if turn >= WARM_UP:
                mine.append(1e3 * (time.process_time() - started))
    return [float(np.median(each)) for each in taken]


def network(name: str, stem: str, side: int) -> nn.Module:
    """Untrained, but its batch norms have seen data: without, quantization has no ranges. As it is exported."""
    torch.manual_seed(0)
    spec = ModelSpec.model_validate({"architecture": name, "stem": stem, "pretrained": None})
    net = models.build(spec, num_classes=CLASSES, channels=3)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.5
    with torch.no_grad():
        for _ in range(2):
            net.train()(torch.randn(8, 3, side, side))
    return folding.folded(net.eval())


def write(rows: dict[str, Row]) -> None:
    """Replace what is between the markers of the document."""
    write_between(DOCUMENT, BEGIN, END, table(rows))


def table(rows: dict[str, Row]) -> str:
    order = [name for name in TERMS["classification"].architectures if name in rows]
    head = "| network | px | parameters, million | MACs, million | fp32, MB | int8, MB | fp32, ms | int8 / fp32 time "
    lines = [f"{head}| prunable | built-in weights |", "|---" * 10 + "|", *(_line(name, rows[name]) for name in order)]
    processors = ", ".join(sorted({row["cpu"] for row in rows.values()}))
    runtimes = ", ".join(sorted({row["runtime"] for row in rows.values()}))
    basis = f"{processors}, {runtimes}, CPU time of one thread, batch 1, median of {TURNS}; {CLASSES} classes."
    return f"{basis}\n\n" + "\n".join(lines)


def _line(name: str, row: Row) -> str:
    cells = [
        f"`{name}`",
        str(row["side_px"]),
        f"{row['parameters'] / 1e6:.2f}",
        f"{row['macs'] / 1e6:,.0f}",
        f"{row['fp32_bytes'] / 1e6:.2f}",
        f"{row['int8_bytes'] / 1e6:.2f} ({row['int8_bytes'] / row['fp32_bytes']:.2f}x)",
        f"{row['fp32_ms']:.2f}" if row["fp32_ms"] else "not measured",
        f"{row['int8_ms'] / row['fp32_ms']:.2f}x" if row["fp32_ms"] else "not measured",
        "no" if name in NOT_PRUNABLE else "yes",
        "yes" if built_in_for(name) else "no",
    ]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
