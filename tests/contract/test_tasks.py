"""What a spec may ask of each task, and what is left to the dataset's."""

import pytest

from contract.architectures import BACKBONES
from contract.pack.manifest import PackManifest, Pairability
from contract.specs import SpecInvalid, parse, resolve
from contract.tasks import TERMS, TaskName
from core.sweeps.feasibility import sweep_violations
from core.sweeps.spec import parse_sweep


def manifest(task: TaskName) -> PackManifest:
    """40 images of 64 x 64, each holding both classes where a task allows it."""
    counts = {"train": 40, "val": 10, "test": 10}
    return PackManifest(
        task=task,
        classes=["background", "thing"],
        samples=60,
        counts={split: dict.fromkeys(("background", "thing"), number) for split, number in counts.items()},
        encoding="encoded",
        channels=3,
        image_size=(64, 64),
        median_size=(64, 64),
        mean=[0.5] * 3,
        std=[0.25] * 3,
        pairability=Pairability(share=1, unpairable_classes=[]),
        evaluation_split="test",
        digest="0" * 64,
        bytes=1,
        images=None if task == "classification" else counts,
    )


def pointers(task: TaskName, /, **body: object) -> list[str]:
    with pytest.raises(SpecInvalid) as refused:
        resolve(parse({"dataset": "dsv_x", **body}), manifest(task))
    return [violation.pointer for violation in refused.value.violations]


@pytest.mark.parametrize("task", TERMS)
def test_task_network_and_metric_are_the_datasets_where_none_is_named(task: TaskName):
    stopping = {"training": {"early_stopping": {}}}
    spec, _ = resolve(parse({"dataset": "dsv_x", **stopping}), manifest(task))
    assert (spec.task, spec.model.architecture) == (task, TERMS[task].architectures[0])
    assert spec.training.early_stopping.metric == TERMS[task].validated[0]
    again, _ = resolve(parse(spec.model_dump(exclude={"height", "width"})), manifest(task))
    assert again == spec


def test_images_of_scenes_are_counted_once_however_many_classes_they_hold():
    assert manifest("segmentation").split_size("train") == 40
    assert manifest("classification").split_size("train") == 80


def test_another_task_than_the_datasets_is_refused():
    assert pointers("segmentation", task="classification") == ["/task"]
    assert pointers("classification", task="detection") == ["/task"]


@pytest.mark.parametrize(
    ("task", "body", "pointer"),
    [
        ("segmentation", {"model": {"architecture": "resnet18"}}, "/model/architecture"),
        ("classification", {"model": {"architecture": "fcn_resnet50"}}, "/model/architecture"),
        ("segmentation", {"recipe": "resnet20"}, "/model/architecture"),
        ("detection", {"method": {"name": "cutmix"}}, "/method/name"),
        ("segmentation", {"method": {"name": "kd", "teacher": "model_x"}}, "/method/name"),
        ("classification", {"method": {"name": "copy_paste"}}, "/method/name"),
        (
            "segmentation",
            {"training": {"early_stopping": {"metric": "val.ap"}}},
            "/training/early_stopping/metric",
        ),
        ("detection", {"evaluation": {"robustness": ["fgsm"]}}, "/evaluation/robustness"),
        ("segmentation", {"training": {"augmentation": {"crop_padding": 4}}}, "/training/augmentation/crop_padding"),
        (
            "segmentation",
            {"training": {"augmentation": {"scale_jitter": [2, 0.5]}}},
            "/training/augmentation/scale_jitter",
        ),
        ("classification", {"training": {"augmentation": {"photometric": True}}}, "/training/augmentation/photometric"),
        (
            "classification",
            {"training": {"augmentation": {"scale_jitter": [0.5, 2]}}},
            "/training/augmentation/scale_jitter",
        ),
    ],
)
def test_what_belongs_to_another_task_is_refused_where_it_stands(task: TaskName, body: dict[str, object], pointer: str):
    assert pointers(task, **body) == [pointer]


def test_a_sweep_is_steered_by_a_metric_of_its_task():
    body = {
        "dataset": "dsv_x",
        "space": {"optimizer.learning_rate": {"type": "float", "low": 0.1, "high": 0.2}},
        "trials": 1,
    }
    found = sweep_violations(parse_sweep(body | {"metric": "val.top1_accuracy"}), manifest("segmentation"))
    assert [violation.pointer for violation in found] == ["/metric"]
    assert sweep_violations(parse_sweep(body), manifest("segmentation")) == []


def test_every_network_of_scenes_is_built_on_one_of_classification():
    scenes = {*TERMS["segmentation"].architectures, *TERMS["detection"].architectures}
    assert scenes == BACKBONES.keys()
    assert set(BACKBONES.values()) <= set(TERMS["classification"].architectures)


def test_detectors_become_onnx_files_and_a_spec_that_asks_for_others_is_refused():
    spec, _ = resolve(parse({"dataset": "dsv_x"}), manifest("detection"))
    assert [export.format for export in spec.exports] == ["onnx"]
    assert pointers("detection", exports=[{"format": "onnx"}, {"format": "litert"}]) == ["/exports/1/format"]
    assert resolve(parse({"dataset": "dsv_x", "exports": [{"format": "litert"}]}), manifest("classification"))


@pytest.mark.parametrize(
    ("task", "optimizer", "epochs", "warned"),
    [
        ("detection", {}, 1, False),
        ("detection", {"name": "adamw", "learning_rate": 1e-3}, 1, False),
        ("detection", {"warmup_epochs": 3}, 3, False),
        ("detection", {"warmup_epochs": 0}, 0, True),
        ("segmentation", {}, 0, False),
        ("classification", {"warmup_epochs": 0}, 0, False),
    ],
)
def test_a_detector_warms_up_unless_it_is_told_not_to(task: TaskName, optimizer: dict, epochs: int, warned: bool):
    body = {"dataset": "dsv_x", "optimizer": optimizer}
    spec, warnings = resolve(parse(body), manifest(task))
    assert spec.optimizer.warmup_epochs == epochs
    assert [one.code for one in warnings if one.pointer == "/optimizer/warmup_epochs"] == ["no_warmup"] * warned
