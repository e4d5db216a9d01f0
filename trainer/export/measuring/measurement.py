"""What an exported file does, measured on the file by its own runtime over the whole held-out split."""

from collections.abc import Generator
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from contract.child.messages import Working
from contract.results.evaluation import DETAILS, AnySplit
from contract.tasks import TERMS
from portable.weights import weights_by_dtype
from trainer import models
from trainer.errors import export_failed
from trainer.export import model_files
from trainer.export.inputs import BATCH_SIZE, HeldOut
from trainer.export.measuring import drops, timing
from trainer.export.measuring.agreement import Agreement
from trainer.export.order import Order
from trainer.export.waiting import working_while
from trainer.tasks.evaluation_mode import joined

COMPARED_IMAGES = 256  # with the trained network, which is slower than the files
_MAX_CONVERSION_ERROR = 1e-3  # as a share of the outputs' deviation; 1e-6 is usual


class Model(Protocol):
    def __call__(self, images_BCHW: NDArray[np.float32]) -> list[NDArray[np.float32]]: ...


@dataclass(frozen=True)
class Measurement:
    figures: AnySplit | None  # as the trained network's evaluation defines them; None of what cannot run here
    values: dict[str, Any]  # all that is said of the file in one number each, the figures' own among them


@dataclass
class Found:
    """What running the files over the split gave. The first file is the one measured, the last the fp32 one."""

    to_trained: Agreement  # of the first file
    to_fp32: Agreement  # of the first file
    conversion: Agreement  # of the last file to the trained network
    parts: list[Any] = field(default_factory=list)  # predictions of the first, batch by batch
    fp32_parts: list[Any] = field(default_factory=list)  # of the last, where it is another

    @classmethod
    def nothing(cls, outputs: tuple[str, ...]) -> "Found":
        return cls(Agreement(outputs), Agreement(outputs), Agreement(outputs))


def measure(order: Order, net: nn.Module, folders: list[Path]) -> Generator[Working, None, Measurement]:
    """The first of the models measured; the last is the fp32 one. Raises TrainerError where one is not the net."""
    if not order.format.RUNS_HERE:
        return Measurement(None, _of_what_is_written(order, net, folders))
    found = yield from run_over_split(order, [order.format.RUNTIME.Model(folder) for folder in folders], net)
    _check_conversion(found.conversion, title=order.format.TITLE)
    measured = figures_of(order, found.parts)
    values = measured.model_dump(exclude=set(DETAILS)) | {
        **drop_of(order, measured),
        **found.to_trained.values("trained"),
        **_of_what_is_written(order, net, folders),
    }
    if len(folders) > 1:
        values |= found.to_fp32.values("fp32")
        both = map(order.vision.Predictions.joined, (found.fp32_parts, found.parts))
        drop = yield from working_while("compare with fp32", partial(drops.of, order, *both, images=measured.samples))
        values |= drop.around(values["drop_points"]).values()
    values |= yield from working_while("measure latency", partial(timing.time_models, order.format.RUNTIME, folders))
    return Measurement(measured, values)


def _of_what_is_written(order: Order, net: nn.Module, folders: list[Path]) -> dict[str, Any]:
    """What the files themselves say, without being run."""
    sizes = [model_files.bytes_of(folder) for folder in folders]
    values: dict[str, Any] = {
        "run_here": order.format.RUNS_HERE,
        "parameters": models.count_parameters(net),
        "macs": order.trained().macs,
        "model_bytes": sizes[0],
        "weights": weights_by_dtype(folders[0]),
        "requires": dict(order.format.requirements(folders[0])),
    }
    for fp32_bytes in sizes[1:]:
        values |= {"fp32_model_bytes": fp32_bytes, "bytes_ratio": sizes[0] / fp32_bytes}
    return values


def run_over_split(order: Order, files: list[Model], net: nn.Module | None) -> Generator[Working, None, Found]:
    """Each file over the whole split, and the trained network, if given, over its first images."""
    held_out, same, found = HeldOut(order.spec, order.pack), order.vision.same, Found.nothing(order.outputs)
    total = ceil(len(held_out.rows) / held_out.together)
    for done, (batch, targets) in enumerate(held_out.batches()):
        yield Working(activity="measure accuracy", done=done, total=total)
        said = [run(file, batch) for file in files]
        if not all(bool(torch.isfinite(one).all()) for one in leaves(said[0])):
            raise export_failed("measure accuracy", "The file gives outputs that are not finite.")
        found.parts.append(order.vision.judge(said[0], targets))
        if len(files) > 1:
            found.fp32_parts.append(order.vision.judge(said[-1], targets))
            found.to_fp32.add(leaves(said[0]), leaves(said[-1]), same=same(said[0], said[-1]))
        if net is not None and found.to_trained.images < COMPARED_IMAGES:
            with torch.inference_mode():
                trained = joined([net(part) for part in torch.from_numpy(batch).split(BATCH_SIZE)])
            for agreement, mine in ((found.to_trained, said[0]), (found.conversion, said[-1])):
                agreement.add(leaves(mine), leaves(trained), same=same(mine, trained))
    return found


def run(file: Model, batch: NDArray[np.float32]) -> Any:
    """A file's outputs for a batch, as a network gives them; a large image may be hundreds of tiles."""
    parts = [batch[start : start + BATCH_SIZE] for start in range(0, len(batch), BATCH_SIZE)]
    return joined([outputs_of(file(part)) for part in parts])


def outputs_of(arrays: list[NDArray[np.float32]]) -> Any:
    """As a network gives them: one tensor, or a tuple."""
    tensors = tuple(map(torch.from_numpy, arrays))
    return tensors[0] if len(tensors) == 1 else tensors


def leaves(outputs: Any) -> tuple[Tensor, ...]:
    """The tensors of what a network gives."""
    return (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)


def _check_conversion(found: Agreement, *, title: str) -> None:
    for one in found.differences:
        if not one.largest <= _MAX_CONVERSION_ERROR * max(one.reference_deviation, 1e-6):
            said = found.values("trained")
            raise export_failed(f"convert to {title}", f"The file's outputs are not the trained network's: {said}.")


def figures_of(order: Order, parts: list[Any]) -> AnySplit:
    """With calibration, whether or not it was asked for of the trained network."""
    asked = order.spec.evaluation.model_copy(update={"calibration": True})
    spec, manifest = order.spec.model_copy(update={"evaluation": asked}), order.pack.manifest
    joined = order.vision.Predictions.joined(parts)
    return order.vision.figures(joined, split=manifest.evaluation_split, spec=spec, manifest=manifest)


def drop_of(order: Order, measured: AnySplit) -> dict[str, float]:
    """How many points of the headline figure the file is below the trained network."""
    metric, trained = TERMS[order.pack.manifest.task].headline, order.trained()
    before = getattr(trained.splits[trained.evaluation_split], metric)
    return {f"trained_{metric}": before, "drop_points": 100 * (before - getattr(measured, metric))}
