"""What `train` and `evaluate` leave for an export, made by them."""

from __future__ import annotations

from pathlib import Path

import torch

from contract.results.evaluation import Evaluation
from contract.specs import ResolvedSpec
from tests.trainer.conftest import spec_for
from trainer.data.pack import Pack
from trainer.evaluation import evaluate
from trainer.machine.stopping import StopRequest
from trainer.training.loop import train

CPU = torch.device("cpu")


def quick_spec(pack: Pack, architecture: str, *, epochs: int) -> ResolvedSpec:
    training = {"epochs": epochs, "pairs_per_batch": 32, "augmentation": {"horizontal_flip": False}}
    optimizer = {"name": "adamw", "learning_rate": 0.003, "schedule": "cosine"}
    return spec_for(pack, model={"architecture": architecture}, training=training, optimizer=optimizer)


def train_and_evaluate(spec: ResolvedSpec, pack: Pack, out: Path) -> None:
    list(train(spec, pack=pack, out=out, arm="main", device=CPU, stop=StopRequest()))
    list(evaluate(spec, pack=pack, out=out, arm="main", device=CPU))


def state_evaluation(out: Path, *, arm: str, top1_accuracy: float, taken_from: Path) -> None:
    """The main arm's evaluation, said to be of `arm` and of this accuracy."""
    evaluation = Evaluation.model_validate_json((taken_from / "main" / "evaluation.json").read_bytes())
    figures = evaluation.splits["test"].model_copy(update={"top1_accuracy": top1_accuracy})
    method = "patch_swap" if arm == "main" else "cross_entropy"
    stated = evaluation.model_copy(update={"arm": arm, "method": method, "splits": {"test": figures}})
    (out / arm).mkdir(parents=True, exist_ok=True)
    (out / arm / "evaluation.json").write_text(stated.model_dump_json())
