"""The trained network measured on the held-out split (and on validation where it is another): one `Evaluation`."""

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from core.progress import Arm, Done, Message
from core.spec import CrossEntropySpec, Evaluation, ResolvedSpec, Split, SplitEvaluation
from core.spec.report import ClassFigures
from trainer import durable, intervals, models, prediction, robustness, weights
from trainer.calibration import expected_calibration_error
from trainer.images import host_budget
from trainer.pack import Pack
from trainer.prediction import TOP, Predictions

FILE_NAME = "evaluation.json"
_SPLITS: dict[Literal["val", "test"], Split] = {"val": Split.VAL, "test": Split.TEST}


def evaluate(spec: ResolvedSpec, *, pack: Pack, out: Path, arm: Arm, device: torch.device) -> Iterator[Message]:
    """Measure OUT/arm/model.safetensors and write evaluation.json beside it. Raises TrainerError without weights."""
    folder = out / arm
    model = weights.load_model(spec, pack.manifest, folder / weights.FILE_NAME)
    macs = count_macs(model, (pack.manifest.channels, spec.height, spec.width))
    model = model.to(device, memory_format=torch.channels_last)
    splits = {}
    for name, split in _SPLITS.items():
        if len(pack.rows(split)):
            splits[name] = yield from _measure(model, spec, pack, name=name, device=device)
    trained = json.loads((folder / "train.json").read_bytes())
    found = Evaluation(
        arm=arm,
        method=spec.method.name if arm == "main" else CrossEntropySpec().name,
        splits=splits,
        evaluation_split=pack.manifest.evaluation_split,
        images_seen=trained["images_seen"],
        train_seconds=trained["train_seconds"],
        parameters=models.count_parameters(model),
        macs=macs,
    )
    durable.write(folder / FILE_NAME, found.model_dump_json(indent=2).encode())
    yield Done(files={"evaluation": f"{arm}/{FILE_NAME}"})


def figures(
    found: Predictions, *, split: Literal["val", "test"], classes: list[str], calibration: bool = True
) -> SplitEvaluation:
    """The figures of a set of predictions, whoever made them: the trained network or an exported file."""
    correct = found.correct
    many_classes = len(classes) > TOP
    return SplitEvaluation(
        split=split,
        samples=len(found.labels),
        top1_accuracy=float(correct.mean()),
        top5_accuracy=float(found.in_top.mean()) if many_classes else None,
        nll=float(found.nll.mean()),
        ece=expected_calibration_error(found.confidence, correct) if calibration else None,
        probability_correct=_mean(found.probability[correct]),
        probability_wrong=_mean(found.probability[~correct]),
        confidence_intervals=_intervals(found, many_classes=many_classes, calibration=calibration),
        per_class=_per_class(found, classes),
        confusion=_confusion(found, len(classes)).tolist(),
        robustness={},
    )


def count_macs(model: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Multiply-accumulates of one image through convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(torch.zeros(1, *image_shape))
    return counter.get_total_flops() // 2


def _measure(
    model: nn.Module, spec: ResolvedSpec, pack: Pack, *, name: Literal["val", "test"], device: torch.device
) -> Generator[Message, None, SplitEvaluation]:
    asked, size = spec.evaluation, (spec.height, spec.width)
    split = prediction.open_split(pack, _SPLITS[name], size=size, device=device, budget=host_budget())
    found = yield from prediction.predict(model, split, activity=f"evaluate {name}")
    result = figures(found, split=name, classes=pack.manifest.classes, calibration=asked.calibration)
    if name == pack.manifest.evaluation_split:
        if "fgsm" in asked.robustness:
            yield from robustness.fgsm(model, split, result.robustness)
        if "corruptions" in asked.robustness:
            yield from robustness.corruptions(model, split, result.robustness)
    return result


def _intervals(found: Predictions, *, many_classes: bool, calibration: bool) -> dict[str, tuple[float, float]]:
    count, correct = len(found.labels), found.correct
    limits = {"top1_accuracy": intervals.wilson(int(correct.sum()), count)}
    if many_classes:
        limits["top5_accuracy"] = intervals.wilson(int(found.in_top.sum()), count)
    limits["nll"] = intervals.bootstrap(count, lambda rows: float(found.nll[rows].mean()))
    if calibration:
        limits["ece"] = intervals.bootstrap(
            count, lambda rows: expected_calibration_error(found.confidence[rows], correct[rows])
        )
    return limits


def _per_class(found: Predictions, classes: list[str]) -> list[ClassFigures]:
    confusion = _confusion(found, len(classes))
    by_truth, by_prediction, hits = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    result = []
    for label, name in enumerate(classes):
        mine = found.labels == label
        result.append(
            ClassFigures(
                name=name,
                samples=int(by_truth[label]),
                recall=_ratio(hits[label], by_truth[label]),
                precision=_ratio(hits[label], by_prediction[label]),
                probability_correct=_mean(found.probability[mine & found.correct]),
                probability_wrong=_mean(found.probability[mine & ~found.correct]),
            )
        )
    return result


def _confusion(found: Predictions, classes: int) -> Any:
    """Counts (K, K): rows are the truth, columns the prediction."""
    return np.bincount(found.labels * classes + found.predicted, minlength=classes**2).reshape(classes, classes)


def _mean(values: Any) -> float | None:
    return float(values.mean()) if len(values) else None


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part / whole) if whole else None
