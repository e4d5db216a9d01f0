"""A segmentation network begins with a classifier's weights, where they are of its backbone."""

from pathlib import Path

import pytest
import safetensors.torch
import torch

from contract.architectures import BACKBONES
from contract.results.network_card import TeacherCard
from contract.specs import ModelSpec, parse, resolve
from tests.data import masked, packs
from tests.trainer.runs import run_here
from trainer import models, tasks
from trainer.data.pack import Pack, open_pack
from trainer.errors import TrainerError
from trainer.tasks.detection import network as detection
from trainer.tasks.segmentation import network as segmentation
from trainer.training import pretrained

MOBILE = "lraspp_mobilenet_v3_large"


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("shapes")
    masked.shapes(folder, size=32, counts=(4, 2, 2))
    return open_pack(folder)


def donor(
    folder: Path, architecture: str, *, stem: str = "small", channels: int = 3, classes: tuple[str, ...] = ("a", "b")
) -> dict[str, torch.Tensor]:
    """A classifier's folder; gives its weights."""
    folder.mkdir()
    model = {"architecture": architecture, "stem": stem}
    card = TeacherCard(model=model, classes=classes, channels=channels, mean=(0.5,), std=(0.5,))
    (folder / "teacher.json").write_text(card.model_dump_json())
    weights = models.build(card.model, num_classes=len(classes), channels=channels).state_dict()
    safetensors.torch.save_file(weights, folder / "model.safetensors")
    return weights


def spec_for(pack: Pack, architecture: str):
    body = {"dataset": "dsv_test", "model": {"architecture": architecture, "pretrained": "model_x"}}
    return resolve(parse(body | {"training": {"epochs": 1, "pairs_per_batch": 2}}), pack.manifest)[0]


@pytest.mark.parametrize(
    ("architecture", "of", "first"),
    [
        (MOBILE, "mobilenet_v3_large", ("features.0.0.weight", "model.backbone.0.0.weight")),
        ("deeplabv3_mobilenet_v3_large", "mobilenet_v3_large", ("features.16.0.weight", "model.backbone.16.0.weight")),
        (
            "lraspp_efficientnet_lite0",
            "efficientnet_lite0",
            ("conv_stem.weight", "model.backbone.body.conv_stem.weight"),
        ),
        (
            "lraspp_mobilenet_v2",
            "mobilenet_v2",
            ("features.17.conv.3.running_var", "model.backbone.body.blocks.6.0.bn3.running_var"),
        ),
        pytest.param(
            *("fcn_resnet50", "resnet50", ("layer4.2.conv3.weight", "model.backbone.layer4.2.conv3.weight")),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *("deeplabv3_resnet50", "resnet50", ("conv1.weight", "model.backbone.conv1.weight")),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_every_network_takes_its_backbones_weights(
    pack: Pack, tmp_path: Path, architecture: str, of: str, first: tuple[str, str]
):
    weights = donor(tmp_path / "donor", of)
    spec = spec_for(pack, architecture).model
    network = segmentation.build(spec, num_classes=3, channels=3)
    pretrained.load(network, tmp_path / "donor", task=tasks.choose("segmentation"), spec=spec, manifest=pack.manifest)
    theirs, ours = first
    assert torch.equal(network.state_dict()[ours], weights[theirs])
    assert network.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 3, 32, 32)


@pytest.mark.parametrize(
    ("architecture", "options", "said"),
    [
        ("mobilenet_v3_small", {}, "is built on mobilenet_v3_large"),
        ("mobilenet_v3_large", {"stem": "imagenet"}, 'give "stem": "imagenet" here'),
        ("mobilenet_v3_large", {"channels": 1}, "1 channels"),
    ],
)
def test_another_classifier_is_refused(pack: Pack, tmp_path: Path, architecture: str, options: dict, said: str):
    donor(tmp_path / "donor", architecture, **options)
    with pytest.raises(TrainerError, match=said):
        run_here(spec_for(pack, MOBILE), pack, tmp_path / "out", pretrained=tmp_path / "donor")
    with pytest.raises(TrainerError, match="Give its folder"):
        run_here(spec_for(pack, MOBILE), pack, tmp_path / "out")


def test_both_arms_begin_with_it(pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    weights = donor(tmp_path / "donor", "mobilenet_v3_large")
    seen = []
    real = pretrained.load

    def spying(model, folder, **options):
        real(model, folder, **options)
        seen.append(model.state_dict()["model.backbone.0.0.weight"].clone())

    monkeypatch.setattr(pretrained, "load", spying)
    for arm in ("main", "control"):
        run_here(spec_for(pack, MOBILE), pack, tmp_path / "out", pretrained=tmp_path / "donor", arm=arm)
    assert len(seen) == 2
    assert all(torch.equal(one, weights["features.0.0.weight"]) for one in seen)


def test_a_dense_networks_maps_are_those_of_its_classifier(pack: Pack, tmp_path: Path):
    """By value: the last map of the backbone is what the classifier's own layers make of an image."""
    donor(tmp_path / "donor", "mobilenet_v2")
    spec = spec_for(pack, "lraspp_mobilenet_v2").model
    network = segmentation.build(spec, num_classes=3, channels=3).eval()
    pretrained.load(network, tmp_path / "donor", task=tasks.choose("segmentation"), spec=spec, manifest=pack.manifest)
    classifier = models.build(ModelSpec(architecture="mobilenet_v2", stem="small"), num_classes=2, channels=3).eval()
    classifier.load_state_dict(safetensors.torch.load_file(tmp_path / "donor" / "model.safetensors"))
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network.model.backbone(images)["low"], classifier.features[:7](images))


@pytest.mark.parametrize("architecture", ["fcos_mobilenet_v2_fpn", "fcos_efficientnet_lite0_fpn"])
def test_a_detector_takes_its_backbones_weights(pack: Pack, tmp_path: Path, architecture: str):
    of = BACKBONES[architecture]
    weights = donor(tmp_path / "donor", of)
    spec = ModelSpec(architecture=architecture, stem="small", pretrained="model_x")
    network = detection.build(spec, num_classes=2, channels=3, size=(64, 64))
    pretrained.load(network, tmp_path / "donor", task=tasks.choose("detection"), spec=spec, manifest=pack.manifest)
    first = next(tensor for name, tensor in weights.items() if tensor.ndim == 4)
    assert torch.equal(network.model.backbone.maps.body.conv_stem.weight, first)


@pytest.mark.parametrize(("classes", "kept"), [(("0", "1", "2", "3"), True), (("cat", "dog", "0", "1"), False)])
def test_a_classifier_keeps_its_head_only_for_the_same_classes(tmp_path: Path, classes: tuple, kept: bool):
    packs.shapes(tmp_path / "pack", counts=(8, 4, 4), classes=4)
    pack = open_pack(tmp_path / "pack")
    weights = donor(tmp_path / "donor", "mobilenet_v2", classes=classes)
    body = {"dataset": "dsv_test", "model": {"architecture": "mobilenet_v2", "pretrained": "model_x"}}
    spec = resolve(parse(body), pack.manifest)[0]
    network = models.build(spec.model, num_classes=4, channels=3)
    task = tasks.choose("classification")
    pretrained.load(network, tmp_path / "donor", task=task, spec=spec.model, manifest=pack.manifest)
    state = network.state_dict()
    assert torch.equal(state["features.0.0.weight"], weights["features.0.0.weight"])
    assert torch.equal(state["classifier.1.weight"], weights["classifier.1.weight"]) is kept
