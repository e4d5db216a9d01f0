"""ResNet-20 and ResNet-32 for small images (He et al. 2016, section 4.2): three stages of 16, 32 and 64 channels.

Shortcuts that change shape are 1x1 convolutions with batch norm (option B). There is one stem, 3x3 with stride 1.
Shapes: B batch, C channels, H height, W width, K classes.
"""

from torch import Tensor, nn
from torch.nn import functional

_BLOCKS_PER_STAGE = {"resnet20": 3, "resnet32": 5}


def build(architecture: str, *, num_classes: int, channels: int, small_stem: bool) -> nn.Module:  # noqa: ARG001 - one stem
    return CifarResNet(_BLOCKS_PER_STAGE[architecture], num_classes=num_classes, channels=channels)


class CifarResNet(nn.Module):
    def __init__(self, blocks_per_stage: int, *, num_classes: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(16, 16, blocks=blocks_per_stage, stride=1)
        self.layer2 = _stage(16, 32, blocks=blocks_per_stage, stride=2)
        self.layer3 = _stage(32, 64, blocks=blocks_per_stage, stride=2)
        self.fc = nn.Linear(64, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images_BCHW: Tensor) -> Tensor:
        features = functional.relu(self.bn1(self.conv1(images_BCHW)), inplace=True)
        features = self.layer3(self.layer2(self.layer1(features)))
        return self.fc(functional.adaptive_avg_pool2d(features, 1).flatten(1))


class BasicBlock(nn.Module):
    def __init__(self, in_width: int, width: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_width, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_width != width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_width, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, features: Tensor) -> Tensor:
        residual = functional.relu(self.bn1(self.conv1(features)), inplace=True)
        residual = self.bn2(self.conv2(residual))
        return functional.relu(residual + self.shortcut(features), inplace=True)


def _stage(in_width: int, width: int, *, blocks: int, stride: int) -> nn.Sequential:
    first = BasicBlock(in_width, width, stride=stride)
    return nn.Sequential(first, *(BasicBlock(width, width, stride=1) for _ in range(blocks - 1)))
