"""What a finished training leaves in OUT/arm: the weights, what is known of the run, and its card as a teacher."""

import json
from typing import Any

import torch
from torch import Tensor

from contract.child.messages import Done
from contract.files import ENVIRONMENT, NETWORK_CARD, TRAINED, UNPRUNED_WEIGHTS, WEIGHTS
from contract.results.network_card import TeacherCard
from contract.specs.normalisation import normalisation_of
from trainer.errors import loss_nan
from trainer.machine import durable, environment
from trainer.machine.device import describe
from trainer.statistics import gradients
from trainer.training import weights
from trainer.training.run import Run


def publish(run: Run) -> Done:
    """Write the weights of the last step, or of the best epoch with early stopping, and what is known."""
    published = final_weights(run)
    if not weights.all_finite(published):
        raise loss_nan(run.steps_done)
    weights.save(published, run.folder / WEIGHTS)
    if run.unpruned:
        weights.save(run.unpruned.weights, run.folder / UNPRUNED_WEIGHTS)
    durable.write(run.folder / NETWORK_CARD, _teacher_card(run).model_dump_json(indent=2).encode())
    durable.write(run.folder / ENVIRONMENT, json.dumps(environment.of(run.device), indent=2).encode())
    durable.write(run.folder / TRAINED, json.dumps(_summary(run), indent=2).encode())
    files = {"weights": WEIGHTS, "train": TRAINED}
    return Done(files={name: f"{run.arm}/{file}" for name, file in files.items()})


def final_weights(run: Run) -> dict[str, Tensor]:
    """What a finished run ends with: its last weights, their average, or those of the best epoch."""
    return _best_weights(run) or run.judged.state_dict()


def _best_weights(run: Run) -> dict[str, Tensor]:
    return run.stopping.weights if run.stopping else {}


def _teacher_card(run: Run) -> TeacherCard:
    manifest = run.manifest
    normalisation = normalisation_of(run.spec, manifest)
    return TeacherCard(
        model=run.spec.model,
        classes=tuple(manifest.classes),
        channels=manifest.channels,
        mean=normalisation.mean,
        std=normalisation.std,
    )


def _summary(run: Run) -> dict[str, Any]:
    position = run.position
    return {
        "arm": run.arm,
        "method": run.spec.method.name,
        "weights": "best" if _best_weights(run) else "last",
        "steps": run.steps_done,
        "epochs": position.epochs_before + run.plan.epochs,
        "images_seen": run.steps_done * run.plan.images_per_step,
        "peak_memory_bytes": position.peak_memory_bytes,
        "train_seconds": position.train_seconds,
        "seed": run.spec.seed,
        "device": describe(run.device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "best_validation": {run.judged_by.removeprefix("val."): position.best_value, "epoch": position.best_epoch},
        "metrics": position.metrics,
        "curves": position.curves,
        "layer_gradients": [row.model_dump() for row in gradients.table(run.model, position.gradients)],
    }
