"""A trained network teaches another: by its folder, as a training leaves it, and by its own pixels' scale."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from contract.results.network_card import TeacherCard
from contract.specs import ModelSpec
from contract.specs.normalisation import normalisation_of
from tests.data import packs
from tests.trainer.conftest import body, spec_for
from tests.trainer.runs import run_here, run_main, write_spec
from trainer import models
from trainer.data.pack import Pack, open_pack
from trainer.errors import TrainerError
from trainer.methods import teacher
from trainer.training import checkpoint


@pytest.fixture(scope="module")
def trained(digits: Pack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OUT of a finished training by cross-entropy."""
    out = tmp_path_factory.mktemp("trained")
    run_here(spec_for(digits, method={"name": "cross_entropy"}), digits, out)
    return out


@pytest.mark.parametrize("name", ["kd", "dkd", "tf_kd_self"])
def test_what_a_training_leaves_teaches_by_hand(digits_folder: Path, trained: Path, tmp_path: Path, name: str) -> None:
    spec = write_spec(tmp_path, body(method={"name": name, "teacher": "by hand"}))
    arguments = ["train", spec, "--pack", digits_folder, "--out", tmp_path / "out", "--teacher", trained / "main"]
    status, said = run_main(arguments, tmp_path)
    assert (status, said[-1].type) == (0, "done"), said[-1]
    weights = safetensors.torch.load_file(tmp_path / "out" / "main" / "model.safetensors")
    assert weights.keys() == safetensors.torch.load_file(trained / "main" / "model.safetensors").keys()


def test_pupil_of_a_fixed_seed_depends_on_its_teacher(digits: Pack, trained: Path, tmp_path: Path) -> None:
    """Its first step's loss is not that of one taught by other weights."""
    other = shutil.copytree(trained / "main", tmp_path / "other")
    weights = safetensors.torch.load_file(other / "model.safetensors")
    safetensors.torch.save_file({name: value * 0.5 for name, value in weights.items()}, other / "model.safetensors")
    spec = spec_for(digits, method={"name": "kd", "teacher": "by hand"})
    losses = []
    for number, folder in enumerate((trained / "main", other)):
        said = run_here(spec, digits, tmp_path / str(number), teacher=folder)
        losses.append(next(m.values["train.kd_loss"] for m in said if m.type == "metrics"))
    assert losses[0] != losses[1]


def test_method_without_its_teacher_is_told_so(digits: Pack, tmp_path: Path) -> None:
    spec = spec_for(digits, method={"name": "kd", "teacher": "by hand"})
    with pytest.raises(TrainerError, match="Give its folder as --teacher"):
        run_here(spec, digits, tmp_path)
    with pytest.raises(TrainerError, match="is not a teacher's folder"):
        run_here(spec, digits, tmp_path, teacher=tmp_path)


def test_teacher_of_other_classes_is_refused(digits: Pack, trained: Path, tmp_path: Path) -> None:
    images = list(np.zeros((6, 8, 8, 1), np.uint8))
    packs.write(tmp_path / "pack", images, labels=np.arange(6) % 2, splits=np.zeros(6, np.int64))
    pack = open_pack(tmp_path / "pack")
    spec = spec_for(pack, method={"name": "kd", "teacher": "by hand"}, training={"epochs": 1, "pairs_per_batch": 2})
    with pytest.raises(TrainerError, match=r"knows the classes 0, 1, 2, 3, 4 ... .10 in all., the dataset has 0, 1"):
        run_here(spec, pack, tmp_path, teacher=trained / "main")


def test_teacher_sees_pixels_on_the_scale_it_was_trained_on(digits: Pack, tmp_path: Path) -> None:
    model = models.build(ModelSpec(architecture="resnet20", stem="small"), num_classes=10, channels=1).eval()
    safetensors.torch.save_file(model.state_dict(), tmp_path / "model.safetensors")
    card = TeacherCard(
        model=ModelSpec(architecture="resnet20", stem="small"),
        classes=tuple(digits.manifest.classes),
        channels=1,
        mean=(0.1,),
        std=(0.7,),
    )
    (tmp_path / "teacher.json").write_text(card.model_dump_json())
    loaded = teacher.load(
        tmp_path, digits.manifest, normalisation_of(spec_for(digits), digits.manifest), torch.device("cpu")
    )
    pixels = torch.rand(4, 1, 8, 8)
    mine = (pixels - digits.manifest.mean[0]) / digits.manifest.std[0]
    assert torch.allclose(loaded(mine), model((pixels - 0.1) / 0.7), atol=1e-4)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


@pytest.mark.parametrize("method", ["byot", "frskd", "mixskd", "uskd"])
def test_heads_are_kept_for_a_resume_and_never_published(digits: Pack, tmp_path: Path, method: str) -> None:
    said = run_here(spec_for(digits, method={"name": method}), digits, tmp_path)
    weights = safetensors.torch.load_file(tmp_path / "main" / "model.safetensors")
    plain = models.build(ModelSpec(architecture="resnet20", stem="small"), num_classes=10, channels=1)
    assert weights.keys() == plain.state_dict().keys()
    saved = next(message for message in said if message.type == "checkpoint")
    state = checkpoint.load(tmp_path / saved.path, torch.device("cpu"))["objective"]
    assert any(name.startswith("method.") for name in state)
