"""What an exported file does, measured on the file by its own runtime over the whole held-out split."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.progress import Working
from core.spec import SplitEvaluation
from trainer import figures, models
from trainer.export import heldout, model_files, timing
from trainer.export.failures import export_failed
from trainer.export.heldout import HeldOut
from trainer.export.portable.weights import weights_by_dtype
from trainer.export.task import Task
from trainer.export.waiting import working_while
from trainer.prediction import Predictions

Logits = NDArray[np.float32]
Model = Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]
COMPARED_IMAGES = 256  # with the trained network, which is slower than the files
_MAX_CONVERSION_ERROR = 1e-3  # as a share of the logits' deviation; 1e-6 is usual


@dataclass(frozen=True)
class Measurement:
    figures: SplitEvaluation | None  # as the trained network's evaluation defines them; None of what cannot run here
    values: dict[str, Any]  # all that is said of the file in one number each, the figures' own among them


def measure(task: Task, net: nn.Module, folders: list[Path]) -> Generator[Working, None, Measurement]:
    """The first of the models measured; the last is the fp32 one. Raises TrainerError where one is not the net."""
    trained = task.trained()
    if not task.format.RUNS_HERE:
        return Measurement(None, _of_what_is_written(task, net, folders))
    held_out = HeldOut(task.spec, task.pack)
    models_run = [task.format.RUNTIME.Model(folder) for folder in folders]
    logits, reference = yield from _run_all(models_run, held_out, net)
    _check_conversion(logits[-1], reference, title=task.format.TITLE)
    found = figures_of(logits[0], held_out)
    trained_top1 = trained.splits[trained.evaluation_split].top1_accuracy
    values = found.model_dump(exclude=figures.DETAILS) | {
        "trained_top1_accuracy": trained_top1,
        "drop_points": 100 * (trained_top1 - found.top1_accuracy),
        **compare(logits[0], reference, name="trained"),
        **_of_what_is_written(task, net, folders),
    }
    for its_logits in logits[1:]:
        values |= compare(logits[0], its_logits, name="fp32")
    values |= yield from working_while("measure latency", partial(timing.time_models, task.format.RUNTIME, folders))
    return Measurement(found, values)


def compare(logits: Logits, reference: Logits, *, name: str) -> dict[str, float | int]:
    """How a file's logits agree with a reference's for the reference's images; keys begin with its name."""
    mine = logits[: len(reference)]
    difference = np.abs(mine.astype(np.float64) - reference)
    return {
        f"{name}_images": len(reference),
        f"{name}_agreement": float((mine.argmax(1) == reference.argmax(1)).mean()),
        f"{name}_mean_difference": float(difference.mean()),
        f"{name}_max_difference": float(difference.max()),
    }


def _of_what_is_written(task: Task, net: nn.Module, folders: list[Path]) -> dict[str, Any]:
    """What the files themselves say, without being run."""
    sizes = [model_files.bytes_of(folder) for folder in folders]
    values: dict[str, Any] = {
        "run_here": task.format.RUNS_HERE,
        "parameters": models.count_parameters(net),
        "macs": task.trained().macs,
        "model_bytes": sizes[0],
        "weights": weights_by_dtype(folders[0]),
    }
    for fp32_bytes in sizes[1:]:
        values |= {"fp32_model_bytes": fp32_bytes, "bytes_ratio": sizes[0] / fp32_bytes}
    return values


def _run_all(
    runnable: list[Model], held_out: HeldOut, net: nn.Module
) -> Generator[Working, None, tuple[list[Logits], Logits]]:
    """The logits of each model over the whole split, and the trained network's for the first images of it."""
    total = ceil(len(held_out.rows) / heldout.BATCH_SIZE)
    logits: list[list[Logits]] = [[] for _ in runnable]
    trained: list[Logits] = []
    for done, batch in enumerate(held_out.batches()):
        yield Working(activity="measure accuracy", done=done, total=total)
        for model, mine in zip(runnable, logits, strict=True):
            mine.append(model(batch)[0])
        if done * heldout.BATCH_SIZE < COMPARED_IMAGES:
            with torch.inference_mode():
                trained.append(net(torch.from_numpy(batch)).numpy())
    return [np.concatenate(mine) for mine in logits], np.concatenate(trained)


def _check_conversion(fp32: Logits, reference: Logits, *, title: str) -> None:
    found = compare(fp32, reference, name="trained")
    if not found["trained_max_difference"] <= _MAX_CONVERSION_ERROR * max(reference.std(), 1e-6):
        raise export_failed(f"convert to {title}", f"The file's logits are not the trained network's: {found}.")


def figures_of(logits: Logits, held_out: HeldOut) -> SplitEvaluation:
    if not np.isfinite(logits).all():
        raise export_failed("measure accuracy", "The file gives logits that are not finite.")
    found = Predictions.of(torch.from_numpy(logits), torch.from_numpy(held_out.labels))
    manifest = held_out.pack.manifest
    return figures.of(
        found,
        split=manifest.evaluation_split,
        classes=manifest.classes,
        superclass_of=manifest.superclasses,
    )
