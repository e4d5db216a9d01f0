"""A detector trained on tiles: steps that can be divided and resumed, figures of whole images, and what it is worth."""

import signal
from pathlib import Path

import pytest
import torch

from contract.specs import ResolvedSpec, plan
from contract.specs.splits import SplitRequest
from tests.data import layouts, specks
from tests.ingest.archives import zipped
from tests.ingest.packs import run_ingest
from tests.trainer.runs import finish, run_here, start
from tests.trainer.tasks.detection.made import spec_of
from trainer import tasks
from trainer.data.pack import Pack, open_pack
from trainer.tasks.detection import methods
from trainer.training.feed import Feed
from trainer.training.step_parts import Part

SSDLITE = {"architecture": "ssdlite320_mobilenet_v3_large"}
TRAINING = {"epochs": 2, "pairs_per_batch": 4, "image_size": 64, "tiles": {"shrink": 1}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("specks")
    archive = zipped(layouts.coco(specks.draw(16, seed=1, size=(144, 192), most=8), specks.NAMES))
    result = run_ingest(archive, made, task="detection", splits=SplitRequest(val=0.15, test=0.15))
    assert result.manifest is not None
    return made / "out"


@pytest.fixture(scope="module")
def pack(folder: Path) -> Pack:
    return open_pack(folder)


def spec_for(pack: Pack) -> ResolvedSpec:
    return spec_of(pack.manifest, method={"name": "patch_swap"}, model=SSDLITE, training=TRAINING)


def feed_for(pack: Pack) -> Feed:
    spec, task = spec_for(pack), tasks.choose("detection")
    fitted = pack.fitted(spec.training.fit, spec.training.tiles)
    method = methods.build(spec.method, task.build_model(spec, pack.manifest))
    steps = plan(spec, pack.manifest)
    return Feed(spec, steps, task=task, pack=fitted, method=method, device=torch.device("cpu"), budget=10**6)


def test_a_step_is_the_same_whatever_was_asked_before_and_however_it_is_divided(pack: Pack) -> None:
    one, other = feed_for(pack), feed_for(pack)
    one.batch(0, Part(0, 0, 4, 1.0))
    whole = one.batch(1, Part(0, 0, 4, 1.0))
    again = other.batch(1, Part(0, 0, 4, 1.0))
    assert torch.equal(whole.images_BCHW, again.images_BCHW)
    assert not torch.equal(whole.images_BCHW, other.batch(2, Part(0, 0, 4, 1.0)).images_BCHW)
    half = feed_for(pack).batch(1, Part(1, 2, 4, 0.5))
    assert torch.equal(half.images_BCHW, whole.images_BCHW[[2, 3, 6, 7]])


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_weights(folder: Path, pack: Pack, tmp_path: Path) -> None:
    spec = spec_for(pack)
    run_here(spec, pack, tmp_path / "whole")
    written = tmp_path / "spec.json"
    written.write_text(spec.model_dump_json())
    arguments = [3, "step", "train", written, "--pack", folder, "--out", tmp_path / "killed"]
    status, _, errors = finish(start(arguments, module="tests.trainer.killed"))
    assert status == -signal.SIGKILL, errors
    said = run_here(spec, pack, tmp_path / "killed")
    assert next(message for message in said if message.type == "started").step == 3
    weights = [(tmp_path / name / "main" / "model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]
