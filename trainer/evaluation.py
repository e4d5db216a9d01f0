"""The trained network measured on the held-out split (and on validation where it is another): one `Evaluation`.

The control is evaluated first, so that the main arm's evaluation can say how the two differ, and its report show it.
"""

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from contract.child.messages import Arm, Done, Message, Notice, Working
from contract.files import EVALUATION, IMAGE_PREDICTIONS, PREDICTIONS, REPORT, TRAINED, UNPRUNED_WEIGHTS, WEIGHTS
from contract.pack.manifest import Split
from contract.results import selection
from contract.results.evaluation import (
    AgainstControl,
    AnySplit,
    EpochValue,
    Evaluation,
    LayerGradient,
    Selection,
    UnprunedFigures,
)
from contract.specs import CrossEntropySpec, ResolvedSpec
from contract.specs.normalisation import normalisation_of
from trainer import image_predictions, models, tasks
from trainer.data.images import host_budget
from trainer.data.pack import Pack
from trainer.machine import durable
from trainer.machine.device import place
from trainer.statistics import curves
from trainer.tasks.protocol import Found, Samples, Task
from trainer.training import weights

_SPLITS: dict[Literal["val", "test"], Split] = {"val": Split.VAL, "test": Split.TEST}


def evaluate(spec: ResolvedSpec, *, pack: Pack, out: Path, arm: Arm, device: torch.device) -> Iterator[Message]:
    """Measure OUT/arm/model.safetensors and write evaluation.json beside it; of the main arm, report.html too.

    Raises TrainerError without weights.
    """
    folder, task, pack = out / arm, tasks.choose(spec.task), pack.fitted(spec.training.fit, spec.training.tiles)
    model = weights.load_model(spec, pack.manifest, folder / WEIGHTS)
    exported = task.to_export(model)
    macs = models.count_macs(exported, (pack.manifest.channels, spec.height, spec.width))
    parameters = models.count_parameters(exported)
    model = place(model, device)
    splits, held_out, said = {}, None, []
    for name, split in _SPLITS.items():
        if len(pack.rows(split)):
            samples = task.open_split(
                pack,
                split,
                size=(spec.height, spec.width),
                normalisation=normalisation_of(spec, pack.manifest),
                device=device,
                budget=host_budget(),
            )
            splits[name], found_in_split = yield from _measure(
                task, model, spec, pack, samples, name=name, folder=folder
            )
            said.append(image_predictions.of_split(task, found_in_split, pack, split, size=(spec.height, spec.width)))
            held_out = samples if name == pack.manifest.evaluation_split else held_out
    if said:
        image_predictions.write(said, folder / IMAGE_PREDICTIONS)
    unpruned = yield from _unpruned(task, spec, pack, folder, held_out)
    trained = json.loads((folder / TRAINED).read_bytes())
    found = Evaluation(
        arm=arm,
        method=spec.method.name if arm == "main" else CrossEntropySpec().name,
        splits=splits,
        evaluation_split=pack.manifest.evaluation_split,
        images_seen=trained["images_seen"],
        train_seconds=trained["train_seconds"],
        parameters=parameters,
        macs=macs,
        peak_memory_bytes=trained.get("peak_memory_bytes"),
        layer_gradients=[LayerGradient.model_validate(row) for row in trained["layer_gradients"]],
        gradient_l1=_gradient_l1(trained["curves"]),
        unpruned=unpruned,
    )
    if arm == "main":
        evaluations: dict[Arm, Evaluation] = {"main": found, **_evaluated_control(spec, out)}
        found.against_control = _compare(task, spec, evaluations, out)
        if task.LABEL_CHECK is not None:
            found.suspected_labels = yield from task.LABEL_CHECK(model, pack, spec, device=device)
        if control := evaluations.get("control"):
            found.selection = selection.choose(spec.selection, found, control)
            yield _published(found.selection)
        yield Working(activity="write report", done=0, total=1)
        if selection.published_arm(evaluations) == "control":
            model = place(weights.load_model(spec, pack.manifest, out / "control" / WEIGHTS), device)
        page = task.write_report(spec, pack, out, evaluations=evaluations, model=model, held_out=held_out)
        durable.write(folder / REPORT, page)
    durable.write(folder / EVALUATION, found.model_dump_json(indent=2).encode())
    names = {"evaluation": EVALUATION} | ({"report": REPORT} if arm == "main" else {})
    yield Done(files={name: f"{arm}/{file}" for name, file in names.items()})


def _measure(
    task: Task,
    model: nn.Module,
    spec: ResolvedSpec,
    pack: Pack,
    samples: Samples,
    *,
    name: Literal["val", "test"],
    folder: Path,
) -> Generator[Message, None, tuple[AnySplit, Found]]:
    found = yield from task.predict(model, samples, activity=f"evaluate {name}")
    result = task.figures(found, split=name, spec=spec, manifest=pack.manifest)
    if name == pack.manifest.evaluation_split:
        durable.write(folder / PREDICTIONS, found.to_bytes())
        for kind in spec.evaluation.robustness:
            yield from task.ROBUSTNESS[kind](model, samples, result.robustness)
    return result, found


def _unpruned(
    task: Task, spec: ResolvedSpec, pack: Pack, folder: Path, held_out: Samples | None
) -> Generator[Message, None, UnprunedFigures | None]:
    """What pruning began with, where it did and there is a split to judge it on."""
    if not (folder / UNPRUNED_WEIGHTS).is_file() or held_out is None:
        return None
    network = weights.load_model(spec, pack.manifest, folder / UNPRUNED_WEIGHTS)
    macs = models.count_macs(network, (pack.manifest.channels, spec.height, spec.width))
    network = place(network, held_out.normalise.mean.device)
    found = yield from task.predict(network, held_out, activity="evaluate the unpruned network")
    values = task.validate(found)
    return UnprunedFigures(
        parameters=models.count_parameters(network),
        macs=macs,
        top1_accuracy=values["val.top1_accuracy"],
        nll=values["val.nll"],
    )


def _gradient_l1(trained: dict[str, Any]) -> list[EpochValue]:
    curve = curves.thinned(trained["train.gradient_l1"])
    return [EpochValue(epoch=epoch, value=value) for epoch, value in curve]


def _published(chosen: Selection) -> Notice:
    data = chosen.model_dump(exclude={"message"})
    return Notice(severity="info", code="arm_published", message=chosen.message, data=data)


def _evaluated_control(spec: ResolvedSpec, out: Path) -> dict[Arm, Evaluation]:
    """The control's evaluation, where there is one already."""
    path = out / "control" / EVALUATION
    return {"control": Evaluation.model_validate_json(path.read_bytes())} if spec.control and path.is_file() else {}


def _compare(task: Task, spec: ResolvedSpec, evaluations: dict[Arm, Evaluation], out: Path) -> AgainstControl | None:
    """Main against control, image by image."""
    if "control" not in evaluations:
        return None
    main, control = evaluations["main"], evaluations["control"]
    arms = [task.Predictions.of_bytes((out / arm / PREDICTIONS).read_bytes()) for arm in ("main", "control")]
    return task.compare(
        *arms,
        split=main.evaluation_split,
        calibrated=spec.evaluation.calibration,
        equal_images_seen=main.images_seen == control.images_seen,
    )
