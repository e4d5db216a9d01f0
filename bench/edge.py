"""Every file format and precision for two networks on digits: docs/edge.md's table, and whether the targets are met.

    python -m bench.edge [--networks resnet18 ...] [--formats onnx ...]

Networks are trained once and kept in .edge/, as is what was measured of each file. No Python has the packages of all
formats, so it is run once in each environment (`make edge`); each run writes the table of all that is in .edge/.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

import torch

from bench import edge_table
from contract import formats
from contract.formats import FORMATS, FormatName, Precision
from contract.specs import ExportSpec, ResolvedSpec, parse, resolve
from tests.data import packs
from trainer import export
from trainer.data.pack import Pack, open_pack
from trainer.evaluation import evaluate
from trainer.machine.stopping import StopRequest
from trainer.training.loop import train

KEPT = Path(".edge")
HALF = {"pruning": {"target_macs_share": 0.5}}
# 32 px: at the 8 px of the scans a ResNet-18 takes less time than its runtime needs to begin.
NETWORKS: dict[str, dict[str, Any]] = {
    "resnet18": {"architecture": "resnet18", "epochs": 6},
    "mobilenet_v3_small": {"architecture": "mobilenet_v3_small", "epochs": 24},
    "resnet18-half": {"architecture": "resnet18", "epochs": 6, "compression": HALF},
    "mobilenet_v3_small-half": {"architecture": "mobilenet_v3_small", "epochs": 24, "compression": HALF},
}
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--again", action="store_true", help="measure files again that .edge/ has figures of")
    asked = parser.parse_args()
    for network in asked.networks:
        pack, spec = _trained(network)
        for name in asked.formats:
            if absent := formats.missing(name):
                print(f"{network} {name}: not here, without {', '.join(absent)}")
                continue
            for precision in _wanted(network, name):
                _measure(network, spec, pack, ExportSpec(format=name, precision=precision), again=asked.again)
    rows = [json.loads(path.read_bytes()) for path in sorted(KEPT.glob("*/files/*.json"))]
    edge_table.write(rows, order=list(NETWORKS))
    print(edge_table.of(rows, order=list(NETWORKS)))


def _wanted(network: str, name: FormatName) -> tuple[Precision, ...]:
    """Of a pruned network only ONNX: what pruning costs is the network's, not the format's."""
    return FORMATS[name].precisions if name == "onnx" or not network.endswith("-half") else ()


def _trained(network: str) -> tuple[Pack, ResolvedSpec]:
    folder = KEPT / network
    if not (folder / "pack").is_dir():
        packs.digits(folder / "pack", train=1000, val=100, test=697)
    pack = open_pack(folder / "pack")
    spec = _spec(pack, **NETWORKS[network])
    if not (folder / "out" / "main" / "evaluation.json").is_file():
        print(f"{network}: training", flush=True)  # or going on, where it was stopped
        list(train(spec, pack=pack, out=folder / "out", arm="main", device=CPU, stop=StopRequest()))
        list(evaluate(spec, pack=pack, out=folder / "out", arm="main", device=CPU))
    return pack, spec


def _spec(pack: Pack, *, architecture: str, epochs: int, **others: Any) -> ResolvedSpec:
    training = {"epochs": epochs, "pairs_per_batch": 32, "image_size": 32, "augmentation": {"horizontal_flip": False}}
    optimizer = {"name": "adamw", "learning_rate": 0.002, "schedule": "cosine", "warmup_epochs": 1}
    body = {"dataset": "dsv_digits", "model": {"architecture": architecture}, "training": training}
    return resolve(parse(body | {"optimizer": optimizer} | others), pack.manifest)[0]


def _measure(network: str, spec: ResolvedSpec, pack: Pack, asked: ExportSpec, *, again: bool) -> None:
    name = f"{asked.format}-{asked.precision}"
    kept = KEPT / network / "files" / f"{name}.json"
    if kept.is_file() and not again:
        return
    for fp32 in (KEPT / network / "out" / "main").glob(f"fp32-{asked.format}-*"):
        shutil.rmtree(fp32)  # or the time would be without the conversion
    started = time.perf_counter()
    list(export.run(spec, pack=pack, export=asked, out=KEPT / network / "out", folder=KEPT / network / "made" / name))
    seconds = time.perf_counter() - started
    result = json.loads((KEPT / network / "made" / name / "export.json").read_bytes())
    kept.parent.mkdir(exist_ok=True)
    row = {
        "network": network,
        "format": asked.format,
        "precision": asked.precision,
        "seconds": seconds,
        "vnni": _vnni(),
    }
    kept.write_text(json.dumps(row | {"measured": result["measured"]}, indent=2))
    print(f"{network} {name}: {seconds:.0f} s", flush=True)


def _vnni() -> bool:
    """Whether this processor adds products of bytes in one instruction."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "vnni" in cpuinfo.read_text()


if __name__ == "__main__":
    main()
