"""A network of timm that nobody tried is built and run before it trains; what cannot be trained is named."""

import pytest

from contract.specs import ModelSpec
from tests.trainer.conftest import spec_for
from tests.trainer.runs import finish, run_here, start
from trainer import models, trial
from trainer.errors import TrainerError


def asked(name: str, *, stem: str = "imagenet") -> ModelSpec:
    return ModelSpec(architecture=f"timm:{name}", stem=stem, pretrained=None)


def require(spec: ModelSpec, *, shape: tuple[int, int, int] = (3, 64, 64), reads_stages: bool = False) -> None:
    trial.require(spec, num_classes=7, image_shape=shape, reads_stages=reads_stages)


@pytest.mark.parametrize("stem", ["small", "imagenet"])
def test_a_convolutional_network_is_taken(stem: str) -> None:
    require(asked("lcnet_035", stem=stem), reads_stages=True)


@pytest.mark.parametrize(
    ("spec", "options", "said"),
    [
        (asked("no_such_network"), {}, "cannot be built: Unknown model"),
        (asked("vit_tiny_patch16_224"), {}, "does not take images of 64 x 64 px and 3 channels"),
        (asked("vit_tiny_patch16_224", stem="small"), {"shape": (3, 224, 224)}, "no small stem"),
        (asked("vit_tiny_patch16_224"), {"shape": (3, 224, 224), "reads_stages": True}, "maps between its layers"),
        (asked("vit_giant_patch14_224"), {"shape": (3, 224, 224)}, "at most 200,000,000"),
    ],
)
def test_what_cannot_be_trained_is_refused(spec: ModelSpec, options: dict, said: str) -> None:
    with pytest.raises(TrainerError, match=said) as refused:
        require(spec, **options)
    assert refused.value.error.code == "architecture_unfit"


def test_a_transformer_is_taken_at_its_size() -> None:
    require(asked("vit_tiny_patch16_224"), shape=(3, 224, 224))


def test_tested_networks_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "build", lambda *_arguments, **_options: pytest.fail("it was built"))
    require(ModelSpec(architecture="resnet18", stem="small", pretrained=None))


@pytest.mark.parametrize(("name", "status", "kind"), [("lcnet_035", 0, "done"), ("no_such_network", 3, "failed")])
def test_it_runs_as_a_confined_process(name: str, status: int, kind: str) -> None:
    command = ["try", "--model", asked(name).model_dump_json(), "--classes", "7", "--shape", "3,64,64"]
    code, said, complaints = finish(start(command))
    assert (code, said[-1].type) == (status, kind), complaints


def test_it_trains(digits, tmp_path) -> None:
    spec = spec_for(digits, model={"architecture": "timm:lcnet_035"})
    said = run_here(spec, digits, tmp_path)
    assert said[-1].type == "done"
