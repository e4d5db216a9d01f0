"""The detectors against torchvision's own matching, decoding and choice of boxes."""

import numpy as np
import pytest
import torch

from contract.architectures import BACKBONES
from contract.specs import ModelSpec
from contract.tasks import TERMS
from tests.data import scenes
from trainer.models import mobile, resnet
from trainer.tasks.detection import figures, network, predictions
from trainer.tasks.detection.network import Detector
from trainer.tasks.detection.samples import PLACES

SIZE = (96, 128)
TARGETS = [
    {"boxes": torch.tensor([[8.0, 8, 56, 60], [40, 30, 120, 90]]), "labels": torch.tensor([1, 3])},
    {"boxes": torch.tensor([[20.0, 20, 44, 50]]), "labels": torch.tensor([0])},
    {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
]
SMALL = ["ssdlite320_mobilenet_v3_large", "retinanet_resnet18_fpn", "fcos_resnet18_fpn"]


def built(architecture: str, *, channels: int = 3, size: tuple[int, int] = SIZE) -> Detector:
    torch.manual_seed(0)
    spec = ModelSpec(architecture=architecture, stem="imagenet")
    return network.build(spec, num_classes=4, channels=channels, size=size)


def images(channels: int = 3) -> torch.Tensor:
    return torch.randn(3, channels, *SIZE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("architecture", SMALL)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_anchor_has_maps_a_box_and_scores(architecture: str, channels: int) -> None:
    model = built(architecture, channels=channels)
    maps = model(images(channels))
    anchors = len(model.anchors_A4)
    assert all(map_.shape[:2] == (3, anchors) for map_ in maps.values())
    assert sum(model.level_sizes) == anchors
    boxes, scores = model.decode(maps)
    assert (boxes.shape, scores.shape) == ((3, anchors, 4), (3, anchors, 4))
    assert (boxes >= 0).all()
    assert (boxes <= torch.tensor([128, 96, 128, 96])).all()
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("architecture", SMALL)
def test_loss_falls_on_one_batch_and_an_empty_image_is_no_trouble(architecture: str) -> None:
    model = built(architecture)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    assigned, history = model.assign(TARGETS), []
    assert (assigned[2] < 0).all()
    assert {*assigned[0].unique().tolist()} >= {0, 1}
    for _ in range(6):
        loss = sum(model.loss(model(images()), TARGETS, assigned).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(float(loss))
    assert history[-1] < 0.8 * history[0]


@pytest.mark.slow
def test_a_few_images_are_learnt_by_heart() -> None:
    """Every box is found again: assignment, loss, decoding and choice hold together.

    The rate rises for 20 steps: at full rate from the first, AP50 was 0.04 after 30, with it 1.
    """
    drawn = scenes.draw(4, seed=1, size=(64, 64))
    images_BCHW = torch.stack([torch.from_numpy(scene.image).permute(2, 0, 1) for scene in drawn]) / 128.0 - 1
    targets = [
        {"boxes": torch.from_numpy(scene.boxes), "labels": torch.from_numpy(scene.labels), PLACES: [(0, 0, 64, 64)]}
        for scene in drawn
    ]
    model = built("fcos_resnet18_fpn", size=(64, 64))
    optimizer, assigned = torch.optim.AdamW(model.parameters(), lr=1e-3), model.assign(targets)
    rising = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, (step + 1) / 20))
    for _ in range(30):
        optimizer.zero_grad()
        sum(model.loss(model(images_BCHW), targets, assigned).values()).backward()
        optimizer.step()
        rising.step()
    with torch.inference_mode():
        found = predictions.judged_by(model.eval())(model(images_BCHW), targets)
    assert figures.values(found, 4)["ap50"] > 0.95


def test_locations_of_fcos_are_assigned_as_torchvision_assigns_them() -> None:
    model = built("fcos_resnet18_fpn")
    asked = []
    model.model.head.compute_loss = lambda *arguments: asked.append(torch.stack(arguments[-1])) or {}
    random = np.random.default_rng(0)
    for _ in range(20):
        corner = random.uniform(0, 60, (4, 2))
        boxes = torch.tensor(np.concatenate([corner, corner + random.uniform(4, 36, (4, 2))], axis=1)).float()
        target = {"boxes": boxes, "labels": torch.arange(4)}
        model.model.compute_loss([target], {}, [model.anchors_A4.clone()], model.level_sizes)
        torch.testing.assert_close(model.assign([target]), asked[-1])


@pytest.mark.parametrize("architecture", SMALL)
def test_boxes_are_decoded_as_torchvision_decodes_them(architecture: str) -> None:
    model = built(architecture).eval()
    with torch.no_grad():
        maps = model(images())
    boxes, _ = model.decode(maps)
    coder = model.model.box_coder
    regression, anchors = maps["bbox_regression"][0], model.anchors_A4
    whole = (
        coder.decode_single(regression, anchors)
        if hasattr(coder, "decode_single")
        else coder.decode(regression, anchors)
    )
    limits = torch.tensor([128.0, 96, 128, 96])
    torch.testing.assert_close(boxes[0], whole.clamp(min=0).minimum(limits), atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize("architecture", SMALL)
def test_scores_are_those_of_the_classes_that_labels_name(architecture: str) -> None:
    model = built(architecture).eval()
    with torch.no_grad():
        maps = model(images())
    logits = torch.full_like(maps["cls_logits"], -9)
    logits[..., model.first_class + 2] = 9
    _, scores = model.decode(maps | {"cls_logits": logits})
    assert (scores.argmax(dim=2) == 2).all()


def test_locations_of_fcos_far_from_a_middle_are_less_sure() -> None:
    model = built("fcos_resnet18_fpn").eval()
    with torch.no_grad():
        maps = model(images())
    class_BAK, middle_BA1 = torch.full_like(maps["cls_logits"], 2), torch.full_like(maps["bbox_ctrness"], -1)
    _, scores = model.decode(maps | {"cls_logits": class_BAK, "bbox_ctrness": middle_BA1})
    torch.testing.assert_close(scores, (class_BAK.sigmoid() * middle_BA1.sigmoid()).sqrt())


@pytest.mark.parametrize("architecture", SMALL)
def test_backbone_of_a_classifier_is_taken_over_whole(architecture: str) -> None:
    build = mobile.build if BACKBONES[architecture].startswith("mobile") else resnet.build
    torch.manual_seed(7)
    classifier = build(BACKBONES[architecture], num_classes=9, channels=3, small_stem=False)
    model = built(architecture)
    network.load_backbone(model, classifier.state_dict())
    own = classifier.state_dict()
    taken = [tensor for name, tensor in model.state_dict().items() if ".body." in name or ".backbone.features." in name]
    features = [tensor for name, tensor in own.items() if not name.startswith(("fc.", "classifier."))]
    assert len(taken) == len(features)
    assert {tensor.double().sum().item() for tensor in taken} == {tensor.double().sum().item() for tensor in features}


def test_every_architecture_of_the_task_is_known() -> None:
    assert {name.partition("_")[0] for name in TERMS["detection"].architectures} == {"ssdlite320", "retinanet", "fcos"}
