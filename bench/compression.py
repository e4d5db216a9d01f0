"""Pruning to half of the multiply-adds, and fine-tuning with rounding against plain int8, on scikit-learn's digits.

`OMP_NUM_THREADS=1 python -m bench.compression [--architecture resnet18] [--epochs 40] [--seeds 3]` prints one line a
seed: 1,000 training, 200 validation and 597 test scans of 8x8 px, as in the demo.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from contract.results.evaluation import Evaluation
from contract.results.exported import ExportResult
from contract.specs import Constraints, ExportSpec, LadderSpec, ResolvedSpec, parse, resolve
from tests.data import packs
from trainer import export
from trainer.data.pack import Pack, open_pack
from trainer.evaluation import evaluate
from trainer.machine.stopping import StopRequest
from trainer.training.loop import train

CPU = torch.device("cpu")
# Wide limits: the first candidate is always good enough, so a ladder of one rung is that rung's file.
NO_LIMIT = Constraints(max_drop_points=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default="resnet18")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--qat-epochs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        packs.digits(folder / "pack", train=1000, val=200, test=597)
        pack = open_pack(folder / "pack")
        for seed in range(arguments.seeds):
            print(json.dumps(measure(pack, folder / str(seed), arguments, seed)), flush=True)


def measure(pack: Pack, out: Path, arguments: argparse.Namespace, seed: int) -> dict[str, Any]:
    spec = spec_of(pack, arguments, seed)
    for _ in train(spec, pack=pack, out=out, arm="main", device=CPU, stop=StopRequest()):
        pass
    for _ in evaluate(spec, pack=pack, out=out, arm="main", device=CPU):
        pass
    found = Evaluation.model_validate_json((out / "main" / "evaluation.json").read_bytes())
    assert found.unpruned is not None
    top1 = found.splits["test"].top1_accuracy
    return {
        "architecture": arguments.architecture,
        "seed": seed,
        "macs_share": found.macs / found.unpruned.macs,
        "parameters_share": found.parameters / found.unpruned.parameters,
        "unpruned_top1": found.unpruned.top1_accuracy,
        "pruned_top1": top1,
        "pruning_drop_points": 100 * (found.unpruned.top1_accuracy - top1),
        **{rung: file_of(spec, pack, out, rung, arguments.qat_epochs) for rung in ("int8", "qat")},
    }


def spec_of(pack: Pack, arguments: argparse.Namespace, seed: int) -> ResolvedSpec:
    body = {
        "dataset": "dsv_bench",
        "seed": seed,
        "model": {"architecture": arguments.architecture},
        "method": {"name": "patch_swap", "kd_weight": 0.25},
        "optimizer": {"learning_rate": 0.05, "schedule": "cosine", "nesterov": True, "warmup_epochs": 1},
        "training": {
            "epochs": arguments.epochs,
            "pairs_per_batch": 32,
            "augmentation": {"horizontal_flip": False},
        },
        "compression": {"pruning": {"target_macs_share": 0.5}},
    }
    return resolve(parse(body), pack.manifest)[0]


def file_of(spec: ResolvedSpec, pack: Pack, out: Path, rung: Any, qat_epochs: int) -> dict[str, float]:
    """What the pruned network's file of one rung measures."""
    asked = ExportSpec(precision="int8", constraints=NO_LIMIT, ladder=LadderSpec(rungs=(rung,), qat_epochs=qat_epochs))
    for _ in export.run(spec, pack=pack, export=asked, out=out, folder=out / rung):
        pass
    result = ExportResult.model_validate_json((out / rung / "export.json").read_bytes())
    names = ("top1_accuracy", "drop_points", "nll", "fp32_agreement", "model_bytes", "bytes_ratio")
    return {name: result.measured[name] for name in names}


if __name__ == "__main__":
    main()
