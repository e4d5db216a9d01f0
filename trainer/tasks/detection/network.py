"""The detection networks of torchvision on our own backbones or timm's, untrained: from images to their heads' maps.

Sources: SSDlite, Sandler et al. 2018 on Howard et al. 2019; RetinaNet, Lin et al. 2017; FCOS, Tian et al. 2019; heads,
matching and losses are torchvision.models.detection's own. A network is built for one image size, which fixes its
anchors, so that boxes and scores follow from the maps by arithmetic alone, here and in an exported file. torchvision's
Faster R-CNN is not among them: its second stage has no maps before a choice among boxes.

Shapes: B batch, A anchors or locations, K classes, G boxes of one image.
"""

import copy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from contract.architectures import BACKBONES
from contract.specs import ModelSpec
from trainer.machine.vision import torchvision  # noqa: F401 - prepares what torchvision.models.detection imports
from trainer.models import matching, mobile, timm_backbones
from trainer.tasks.detection import fpn

from torchvision.models.detection import FCOS, RetinaNet, ssd, ssdlite  # isort: skip
from torchvision.models.detection.retinanet import RetinaNetHead  # isort: skip
from torchvision.models.detection import _utils as coding  # isort: skip
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator  # isort: skip
from torchvision.models.detection.image_list import ImageList  # isort: skip
from torchvision.ops import box_iou  # isort: skip

Maps = dict[str, Tensor]
Targets = list[dict[str, Tensor]]
NOBODY = -1  # in an assignment: background or, for RetinaNet, between its thresholds (-2)
_BATCH_NORM_MOMENTUM = 0.1  # torchvision's 0.01 and 0.03 are for a hundred thousand steps; small sets take few
_ANCHOR_SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)  # of the shorter side, level by level


class Detector(nn.Module):
    """A torchvision network whose forward pass gives the heads' maps, (B, A, ...) each, in training and evaluation."""

    anchors_A4: Tensor

    def __init__(self, model: Any, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.model = model  # of torchvision, which has no types
        channels, height, width = image_shape
        with torch.no_grad():
            blank = torch.zeros(1, channels, height, width)
            features = list(model.eval().backbone(blank).values())
            anchors_A4 = model.anchor_generator(ImageList(blank, [(height, width)]), features)[0]
        model.train()
        self.size = (height, width)
        cells = [map_.shape[-2] * map_.shape[-1] for map_ in features]
        each = model.anchor_generator.num_anchors_per_location()
        self.level_sizes = [count * number for count, number in zip(cells, each, strict=True)]
        self.register_buffer("anchors_A4", anchors_A4, persistent=False)

    def forward(self, images_BCHW: Tensor) -> Maps:
        return self.model.head(list(self.model.backbone(images_BCHW).values()))

    def assign(self, targets: Targets) -> Tensor:
        """Which box of its image each anchor is to find, (B, A); negative where none."""
        return torch.stack([self._assign(target["boxes"]) for target in targets])

    def loss(self, maps: Maps, targets: Targets, assigned_BA: Tensor) -> dict[str, Tensor]:
        """The network's own losses by name, each a mean over the assigned anchors."""
        shifted = [{"boxes": t["boxes"], "labels": t["labels"] + self.first_class} for t in targets]
        anchors = [self.anchors_A4] * len(targets)
        return self._loss(shifted, maps, anchors, list(assigned_BA))

    def decode(self, maps: Maps) -> tuple[Tensor, Tensor]:
        """Boxes (B, A, 4), x1, y1, x2, y2 in pixels within the image, and the score of each class (B, A, K)."""
        boxes_BA4 = self._boxes(maps["bbox_regression"])
        height, width = self.size
        limits = torch.tensor([width, height, width, height], dtype=boxes_BA4.dtype, device=boxes_BA4.device)
        return boxes_BA4.clamp(min=0).minimum(limits), self._scores(maps)

    def class_logits(self, maps: Maps) -> Tensor:
        """(B, A, K), or K + 1 with the background first where classes exclude each other."""
        return maps["cls_logits"]

    first_class = 0  # of the logits; before it stands the background
    exclusive = False  # whether one class of an anchor excludes the others

    def _assign(self, boxes_G4: Tensor) -> Tensor:
        raise NotImplementedError

    def _loss(self, targets: Targets, maps: Maps, anchors: list[Tensor], assigned: list[Tensor]) -> dict[str, Tensor]:
        return self.model.head.compute_loss(targets, maps, anchors, assigned)

    def _boxes(self, regression_BA4: Tensor) -> Tensor:
        return _decode(self.model.box_coder, regression_BA4, self.anchors_A4)

    def _scores(self, maps: Maps) -> Tensor:
        return maps["cls_logits"].sigmoid()


class SsdLite(Detector):
    first_class = 1
    exclusive = True

    def _assign(self, boxes_G4: Tensor) -> Tensor:
        return _match(self.model.proposal_matcher, boxes_G4, self.anchors_A4)

    def _loss(self, targets: Targets, maps: Maps, anchors: list[Tensor], assigned: list[Tensor]) -> dict[str, Tensor]:
        return self.model.compute_loss(targets, maps, anchors, assigned)

    def _scores(self, maps: Maps) -> Tensor:
        return maps["cls_logits"].softmax(dim=-1)[..., 1:]


class Retina(Detector):
    def _assign(self, boxes_G4: Tensor) -> Tensor:
        return _match(self.model.proposal_matcher, boxes_G4, self.anchors_A4)


class Fcos(Detector):
    def _boxes(self, regression_BA4: Tensor) -> Tensor:
        """Distances to the four sides, in sizes of the location's cell, which is square."""
        middle_A2 = (self.anchors_A4[:, :2] + self.anchors_A4[:, 2:]) / 2
        distances_BA4 = regression_BA4 * (self.anchors_A4[:, 2] - self.anchors_A4[:, 0])[:, None]
        return torch.cat([middle_A2 - distances_BA4[..., :2], middle_A2 + distances_BA4[..., 2:]], dim=-1)

    def _scores(self, maps: Maps) -> Tensor:
        return (maps["cls_logits"].sigmoid() * maps["bbox_ctrness"].sigmoid()).sqrt()

    def _assign(self, boxes_G4: Tensor) -> Tensor:
        """Centre sampling and scale ranges as torchvision's FCOS.compute_loss has them; the smallest box wins."""
        anchors_A4 = self.anchors_A4
        if not len(boxes_G4):
            return torch.full((len(anchors_A4),), NOBODY, device=anchors_A4.device)
        centres_A2, sides_A = (anchors_A4[:, :2] + anchors_A4[:, 2:]) / 2, anchors_A4[:, 2] - anchors_A4[:, 0]
        middles_G2 = (boxes_G4[:, :2] + boxes_G4[:, 2:]) / 2
        away_AG = (centres_A2[:, None] - middles_G2[None]).abs().amax(dim=2)
        inner_AG2, outer_AG2 = centres_A2[:, None] - boxes_G4[None, :, :2], boxes_G4[None, :, 2:] - centres_A2[:, None]
        distances_AG4 = torch.cat([inner_AG2, outer_AG2], dim=2)
        least, most = sides_A * 4, sides_A * 8
        least[: self.level_sizes[0]], most[-self.level_sizes[-1] :] = 0, torch.inf
        reach_AG = distances_AG4.amax(dim=2)
        fits_AG = away_AG < self.model.center_sampling_radius * sides_A[:, None]
        fits_AG &= (distances_AG4.amin(dim=2) > 0) & (reach_AG > least[:, None]) & (reach_AG < most[:, None])
        areas_G = (boxes_G4[:, 2:] - boxes_G4[:, :2]).prod(dim=1)
        smallest_A = areas_G.expand_as(fits_AG).masked_fill(~fits_AG, torch.inf).min(dim=1)
        return smallest_A.indices.where(smallest_A.values.isfinite(), NOBODY)


class Decoding(nn.Module):
    """A detector for an exported file: boxes (B, A, 4) and scores (B, A, K), as `Detector.decode` has them."""

    def __init__(self, detector: "AnyDetector") -> None:
        super().__init__()
        self.detector = detector
        self.train(detector.training)

    def forward(self, images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        return self.detector.decode(self.detector(images_BCHW))


class SpeakingAs(nn.Module):
    """A detector whose maps are those of another network, which alone is learnt: its losses, anchors and decoding."""

    def __init__(self, detector: Detector, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.detector = copy.deepcopy(detector).requires_grad_(requires_grad=False)
        self.first_class, self.exclusive = detector.first_class, detector.exclusive
        self.assign, self.loss = self.detector.assign, self.detector.loss
        self.decode, self.class_logits = self.detector.decode, self.detector.class_logits

    def forward(self, images_BCHW: Tensor) -> Maps:
        return self.network(images_BCHW)


AnyDetector = Detector | SpeakingAs


def build(spec: ModelSpec, *, num_classes: int, channels: int, size: tuple[int, int]) -> Detector:
    """A freshly initialised network for images of (height, width). `spec.stem` must be resolved: small or imagenet."""
    backbone = BACKBONES[spec.architecture]
    small = spec.stem == "small"
    shape = (channels, *size)
    kind = spec.architecture.partition("_")[0]
    if kind == "ssdlite320":
        network = mobile.build(backbone, num_classes=1, channels=channels, small_stem=small)
        return SsdLite(_ssdlite(network, num_classes, size), shape)
    pyramid = fpn.build(backbone, channels=channels, small_stem=small)
    if kind == "retinanet":
        anchors = _anchors(size)
        each = anchors.num_anchors_per_location()[0]
        # Nothing here is pretrained, and without a norm such a head hardly learns from scratch (He et al. 2019).
        head = RetinaNetHead(fpn.CHANNELS, each, num_classes, norm_layer=partial(nn.GroupNorm, 32))
        return Retina(RetinaNet(pyramid, num_classes, anchor_generator=anchors, head=head), shape)
    if kind == "fcos":
        return Fcos(FCOS(pyramid, num_classes), shape)
    raise ValueError(f"no detection network {spec.architecture!r}")


def head(model: AnyDetector) -> tuple[str, ...]:
    """All that is not a classifier's: the heads, and what makes further maps of the classifier's."""
    further = "extra" if isinstance(model, SsdLite) else "fpn"
    return ("model.head", f"model.backbone.{further}")


def load_backbone(model: Detector, weights: dict[str, Tensor]) -> None:
    """Begin with the weights of a classifier of the backbone's architecture. Raises RuntimeError where they miss."""
    body = model.model.backbone
    if isinstance(body, fpn.Pyramid):
        timm_backbones.load(body.maps, weights)
        return
    if isinstance(model, SsdLite):
        theirs, ours = _mobile_layers(weights, cut=len(body.features[0]) - 1), body.features
    else:
        theirs, ours = {name: tensor for name, tensor in weights.items() if not name.startswith("fc.")}, body.body
    matching.fill(ours, theirs)


def _ssdlite(network: Any, num_classes: int, size: tuple[int, int]) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = _BATCH_NORM_MOMENTUM
    norm = partial(nn.BatchNorm2d, eps=0.001, momentum=_BATCH_NORM_MOMENTUM)
    features = ssdlite._mobilenet_extractor(network, 6, norm)  # noqa: SLF001 - the only way to bring a backbone
    anchors = DefaultBoxGenerator([[2, 3] for _ in range(6)], min_ratio=0.2, max_ratio=0.95)
    channels = next(network.features[0].parameters()).shape[1]
    out_channels = _out_channels(features, channels, size)
    each = anchors.num_anchors_per_location()
    head = ssdlite.SSDLiteHead(out_channels, each, num_classes + 1, norm)
    return ssd.SSD(features, anchors, size, num_classes + 1, head=head)


def _out_channels(features: nn.Module, channels: int, size: tuple[int, int]) -> list[int]:
    was_training = features.training
    with torch.no_grad():
        maps = features.eval()(torch.zeros(1, channels, *size))
    features.train(was_training)
    return [found.shape[1] for found in maps.values()]


def _anchors(size: tuple[int, int]) -> AnchorGenerator:
    """Three sizes and three shapes at each of five levels, as large as the image asks for."""
    sizes = tuple(tuple(min(size) * share * 2 ** (third / 3) for third in range(3)) for share in _ANCHOR_SHARES)
    return AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes))


def _match(matcher: Any, boxes_G4: Tensor, anchors_A4: Tensor) -> Tensor:
    if not len(boxes_G4):
        return torch.full((len(anchors_A4),), NOBODY, device=anchors_A4.device)
    return matcher(box_iou(boxes_G4, anchors_A4))


def _decode(coder: coding.BoxCoder, regression_BA4: Tensor, anchors_A4: Tensor) -> Tensor:
    """What the coder's own `decode_single` does, for a whole batch."""
    sides_A2, corner_A2 = anchors_A4[:, 2:] - anchors_A4[:, :2], anchors_A4[:, :2]
    weights = torch.tensor(coder.weights, dtype=regression_BA4.dtype, device=regression_BA4.device)
    shift_BA4 = regression_BA4 / weights
    middle_BA2 = corner_A2 + sides_A2 / 2 + shift_BA4[..., :2] * sides_A2
    half_BA2 = sides_A2 * shift_BA4[..., 2:].clamp(max=coder.bbox_xform_clip).exp() / 2
    return torch.cat([middle_BA2 - half_BA2, middle_BA2 + half_BA2], dim=-1)


def _mobile_layers(weights: dict[str, Tensor], cut: int) -> dict[str, Tensor]:
    """A classifier's features under the names that the extractor gives them, which cuts them within block `cut`."""
    found = {}
    for name, tensor in weights.items():
        kind, _, rest = name.partition(".")
        if kind != "features":
            continue
        block, _, layer = rest.partition(".")
        within = layer.removeprefix("block.")
        if int(block) == cut and within.startswith("0."):
            renamed = f"0.{cut}.{within.removeprefix('0.')}"
        elif int(block) == cut:
            renamed = f"1.0.{within}"
        else:
            renamed = f"0.{rest}" if int(block) < cut else f"1.{int(block) - cut}.{layer}"
        found[renamed] = tensor
    return found
