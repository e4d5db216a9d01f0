"""What fine-tuning adds to a spec, together and in whole runs: resumed bitwise, divided, averaged, pruned, released."""

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from contract.files import WEIGHTS
from contract.specs import ResolvedSpec
from tests.trainer.conftest import body, spec_for
from tests.trainer.runs import finish, run_here, start, write_spec
from tests.trainer.training.test_resume import comparable, weights_digest
from trainer import tasks
from trainer.data.pack import Pack
from trainer.machine.synchronised_norm import SharedBatchNorm2d, synchronise_batch_norm
from trainer.models import norms
from trainer.training import loop, rounds
from trainer.training import run as running
from trainer.training.assignment import Assignment

AUGMENTATION = {
    "random_resized_crop": [0.5, 1],
    "closing_crop": [0.8, 1],
    "horizontal_flip": True,
    "color_jitter": 0.3,
    "trivial_augment": True,
    "random_erasing": 0.3,
}
OPTIMIZER = {
    "name": "adamw",
    "learning_rate": 1e-3,
    "layer_decay": 0.1,
    "head_warmup_epochs": 1,
    "decay_norms_and_biases": False,
}


def a_body(*, augmentation: dict[str, Any] = AUGMENTATION, **training: Any) -> dict[str, Any]:
    asked = body()["training"] | {"class_balance": "sampler", "ema_decay": 0.9, "augmentation": augmentation} | training
    return body(training=asked, optimizer=OPTIMIZER)


def frozen(spec: ResolvedSpec, kind: str = "all") -> ResolvedSpec:
    """Past the check that random weights have no statistics, which no run needs."""
    return spec.model_copy(update={"training": spec.training.model_copy(update={"freeze_norms": kind})})


def test_all_of_it_resumes_to_the_same_weights(digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = frozen(spec_for(digits, **a_body()), "statistics")
    whole = comparable(run_here(spec, digits, tmp_path / "whole"))
    monkeypatch.setattr(loop.Clock, "checkpoint_due", lambda *_: True)
    for step in (2, 4):  # while the head warms up, and after
        assert run_here(spec, digits, tmp_path / "parts", stop_at=step)[-1].type == "stopped"
    assert comparable(run_here(spec, digits, tmp_path / "parts")) == whole[1:]
    assert weights_digest(tmp_path / "parts") == weights_digest(tmp_path / "whole")


def test_the_rate_of_the_head_is_reported(digits: Pack, tmp_path: Path) -> None:
    said = comparable(run_here(spec_for(digits, **a_body()), digits, tmp_path))
    assert [values["learning_rate"] for values in said] == [1e-3, 1e-4]  # milestones of two epochs


@pytest.mark.parametrize("parts", [2, 3])
def test_a_divided_step_sees_the_same_images(digits: Pack, tmp_path: Path, parts: int) -> None:
    def images(accumulate: int) -> torch.Tensor:
        spec = spec_for(digits, **a_body(accumulate=accumulate))
        run = running.assemble(Assignment(spec, digits, tmp_path, "main", torch.device("cpu")))
        found = [run.feed.batch(1, part).images_BCHW.unflatten(0, (2, -1)) for part in run.parts]
        return torch.cat(found, dim=1)

    assert torch.equal(images(parts), images(1))


def test_frozen_norms_are_published_as_they_began_and_averaged_weights_with_them(digits: Pack, tmp_path: Path) -> None:
    spec = frozen(spec_for(digits, **a_body()))
    torch.manual_seed(spec.seed)
    began = tasks.choose("classification").build_model(spec, digits.manifest).state_dict()
    run_here(spec, digits, tmp_path)
    ended = safetensors.torch.load_file(tmp_path / "main" / WEIGHTS)
    of_norms = [name for name in began if "bn" in name]
    assert of_norms
    assert all(torch.equal(ended[name], began[name]) for name in of_norms)
    assert not torch.equal(ended["conv1.weight"], began["conv1.weight"])


def test_the_control_has_what_the_main_arm_has(digits: Pack, tmp_path: Path) -> None:
    spec = frozen(spec_for(digits, **a_body(class_balance="weights")))
    run = running.assemble(Assignment(spec, digits, tmp_path, "control", torch.device("cpu")))
    assert run.objective.method._label_loss.weights_K is not None
    assert not run.model.bn1.training
    assert len(run.optimizer.param_groups) > 2


@pytest.mark.slow
def test_two_processes_see_what_one_does(digits_folder: Path, digits: Pack, tmp_path: Path) -> None:
    slow = {"optimizer": OPTIMIZER | {"learning_rate": 1e-5, "head_warmup_epochs": 0}}
    spec = write_spec(tmp_path, a_body(devices=2, epochs=1) | slow)
    process = start(["train", spec, "--pack", digits_folder, "--out", tmp_path / "two"])
    status, said, errors = finish(process, seconds=400)
    assert status == 0, errors
    expected = comparable(run_here(spec_for(digits, **(a_body(epochs=1) | slow)), digits, tmp_path / "one"))
    assert [v["train.loss"] for v in comparable(said)] == pytest.approx([expected[0]["train.loss"]], abs=1e-4)


def test_a_team_shares_no_statistics_of_frozen_norms(digits: Pack) -> None:
    spec = spec_for(digits)
    network = tasks.choose("classification").build_model(spec, digits.manifest)
    norms.freeze(network, affine=False, head=("layer3",))
    synchronise_batch_norm(network)
    kept = {name for name, module in network.named_modules() if isinstance(module, norms.Frozen)}
    shared = {name for name, module in network.named_modules() if isinstance(module, SharedBatchNorm2d)}
    assert {"bn1", "layer2.0.bn1"} <= kept
    assert "layer3.0.bn1" in shared
    assert not kept & shared


def test_pruned_networks_take_new_statistics_and_wait_for_no_head(digits: Pack, tmp_path: Path) -> None:
    pruning = {"target_macs_share": 0.7, "rounds": 1, "fine_tune_epochs": 1}
    spec = frozen(spec_for(digits, **a_body(), compression={"pruning": pruning}))
    first, second = rounds.of(spec)
    assert first.spec.training.freeze_norms == "all"
    assert second.spec.training.freeze_norms == "none"
    assert second.spec.optimizer.head_warmup_epochs == 0
    assert second.spec.optimizer.layer_decay == 0.1
    said = run_here(spec, digits, tmp_path)
    assert said[-1].type == "done"
    assert [message.code for message in said if message.type == "notice"] == ["pruned"]


@pytest.mark.parametrize(
    ("task", "architecture", "head"),
    [
        ("classification", "resnet18", "fc."),
        ("classification", "mobilenet_v3_small", "classifier.3."),
        ("classification", "efficientnet_b0", "classifier.1."),
        ("classification", "efficientnet_lite0", "classifier."),
        ("segmentation", "lraspp_mobilenet_v3_large", "model.classifier."),
        ("segmentation", "lraspp_efficientnet_lite0", "model.classifier."),
        ("detection", "ssdlite320_mobilenet_v3_large", ("model.head.", "model.backbone.extra.")),
        ("detection", "fcos_resnet18_fpn", ("model.head.", "model.backbone.fpn.")),
        ("detection", "fcos_efficientnet_lite0_fpn", ("model.head.", "model.backbone.fpn.")),
    ],
)
def test_every_network_has_a_head_and_a_body(digits: Pack, task: str, architecture: str, head: str) -> None:
    manifest = digits.manifest.model_copy(update={"task": task, "image_size": (64, 64), "median_size": (64, 64)})
    model = {"architecture": architecture, "pretrained": None}
    spec = spec_for(Pack(manifest, digits.labels, digits.splits, digits.table, digits.chunk_starts), model=model)
    chosen = tasks.choose(spec.task)
    network = chosen.build_model(spec, manifest)
    names = tuple(f"{name}." for name in chosen.head(network))
    inside = {name for name, _ in network.named_parameters() if name.startswith(names)}
    assert inside == {name for name, _ in network.named_parameters() if name.startswith(head)}
    assert inside
    assert inside < {name for name, _ in network.named_parameters()}
