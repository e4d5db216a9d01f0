"""The trained network measured on the held-out split (and on validation where it is another): one `Evaluation`.

The control is evaluated first, so that the main arm's evaluation can say how the two differ, and its report show it.
"""

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from core.progress import Arm, Done, Message, Working
from core.spec import CrossEntropySpec, Evaluation, ResolvedSpec, Split, SplitEvaluation
from core.spec.report import AgainstControl, EpochValue, LayerGradient, UnprunedFigures
from trainer import comparison, curves, durable, figures, models, prediction, robustness, weights
from trainer.images import host_budget
from trainer.pack import Pack
from trainer.prediction import LabelledImages, Predictions

FILE_NAME = "evaluation.json"
PREDICTIONS_NAME = "predictions.npz"  # of the held-out split, to compare arms image by image
REPORT_NAME = "report.html"
_SPLITS: dict[Literal["val", "test"], Split] = {"val": Split.VAL, "test": Split.TEST}


def evaluate(spec: ResolvedSpec, *, pack: Pack, out: Path, arm: Arm, device: torch.device) -> Iterator[Message]:
    """Measure OUT/arm/model.safetensors and write evaluation.json beside it; of the main arm, report.html too.

    Raises TrainerError without weights.
    """
    folder = out / arm
    model = weights.load_model(spec, pack.manifest, folder / weights.FILE_NAME)
    macs = models.count_macs(model, (pack.manifest.channels, spec.height, spec.width))
    model = model.to(device, memory_format=torch.channels_last)
    splits, held_out = {}, None
    for name, split in _SPLITS.items():
        if len(pack.rows(split)):
            images = prediction.open_split(
                pack, split, size=(spec.height, spec.width), device=device, budget=host_budget()
            )
            splits[name] = yield from _measure(model, spec, pack, images, name=name, folder=folder)
            held_out = images if name == pack.manifest.evaluation_split else held_out
    unpruned = yield from _unpruned(spec, pack, folder, held_out)
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
        peak_memory_bytes=trained.get("peak_memory_bytes"),
        layer_gradients=[LayerGradient.model_validate(row) for row in trained["layer_gradients"]],
        gradient_l1=_gradient_l1(trained["curves"]),
        unpruned=unpruned,
    )
    if arm == "main":
        from trainer import report  # noqa: PLC0415 - half a second of matplotlib that training need not wait for

        evaluations = {"main": found} | _evaluated_control(spec, out)
        found.against_control = _compare(spec, evaluations, out)
        yield Working(activity="write report", done=0, total=1)
        page = report.write(spec, pack, out, evaluations=evaluations, model=model, held_out=held_out)
        durable.write(folder / REPORT_NAME, page)
    durable.write(folder / FILE_NAME, found.model_dump_json(indent=2).encode())
    names = {"evaluation": FILE_NAME} | ({"report": REPORT_NAME} if arm == "main" else {})
    yield Done(files={name: f"{arm}/{file}" for name, file in names.items()})


def _measure(
    model: nn.Module,
    spec: ResolvedSpec,
    pack: Pack,
    images: LabelledImages,
    *,
    name: Literal["val", "test"],
    folder: Path,
) -> Generator[Message, None, SplitEvaluation]:
    asked, manifest = spec.evaluation, pack.manifest
    found = yield from prediction.predict(model, images, activity=f"evaluate {name}")
    result = figures.of(
        found,
        split=name,
        classes=manifest.classes,
        calibrated=asked.calibration,
        superclass_of=manifest.superclasses,
    )
    if name == manifest.evaluation_split:
        durable.write(folder / PREDICTIONS_NAME, found.to_bytes())
        for kind in asked.robustness:
            yield from robustness.MEASURES[kind](model, images, result.robustness)
    return result


def _unpruned(
    spec: ResolvedSpec, pack: Pack, folder: Path, held_out: LabelledImages | None
) -> Generator[Message, None, UnprunedFigures | None]:
    """What pruning began with, where it did and there is a split to judge it on."""
    if not (folder / weights.UNPRUNED_NAME).is_file() or held_out is None:
        return None
    network = weights.load_model(spec, pack.manifest, folder / weights.UNPRUNED_NAME)
    macs = models.count_macs(network, (pack.manifest.channels, spec.height, spec.width))
    network = network.to(held_out.normalise.mean.device, memory_format=torch.channels_last)
    found = yield from prediction.predict(network, held_out, activity="evaluate the unpruned network")
    return UnprunedFigures(
        parameters=models.count_parameters(network),
        macs=macs,
        top1_accuracy=float(found.correct.mean()),
        nll=float(found.nll.mean()),
    )


def _gradient_l1(trained: dict[str, Any]) -> list[EpochValue]:
    curve = curves.thinned(trained["train.gradient_l1"])
    return [EpochValue(epoch=epoch, value=value) for epoch, value in curve]


def _evaluated_control(spec: ResolvedSpec, out: Path) -> dict[Arm, Evaluation]:
    """The control's evaluation, where there is one already."""
    path = out / "control" / FILE_NAME
    return {"control": Evaluation.model_validate_json(path.read_bytes())} if spec.control and path.is_file() else {}


def _compare(spec: ResolvedSpec, evaluations: dict[Arm, Evaluation], out: Path) -> AgainstControl | None:
    """Main against control, image by image."""
    if "control" not in evaluations:
        return None
    main, control = evaluations["main"], evaluations["control"]
    arms = [Predictions.of_bytes((out / arm / PREDICTIONS_NAME).read_bytes()) for arm in ("main", "control")]
    return comparison.compare(
        *arms,
        split=main.evaluation_split,
        calibrated=spec.evaluation.calibration,
        equal_images_seen=main.images_seen == control.images_seen,
    )
