"""The recipes to start from with data of one's own."""

from typing import Any

from contract.specs.recipes.recipe import Recipe

# Named so that a spec which only sets a method's or optimizer's fields is understood to mean these.
DEFAULTS: dict[str, Any] = {"method": {"name": "patch_swap"}, "optimizer": {"name": "sgd"}}


_LITERATURE = "Schedule of the literature's CIFAR protocol: SGD 0.1, divided by ten at half and three quarters."
_COSINE = {"optimizer": {"learning_rate": 0.05, "schedule": "cosine"}}
_SHORT = {
    "method": {"name": "patch_swap", "kd_weight": 0.25},  # on short schedules: docs/results.md
    "optimizer": {"name": "sgd", "learning_rate": 0.05, "schedule": "cosine", "nesterov": True, "warmup_epochs": 1},
    "training": {"epochs": 30, "pairs_per_batch": 32},
}

STARTING_POINTS: tuple[Recipe, ...] = (
    Recipe(
        "resnet18",
        f"ResNet-18 by patch swap, 200 epochs. {_LITERATURE}",
        spec={"model": {"architecture": "resnet18"}},
        parameters=11_173_962,
        macs=555_422_720,
        reference_size=(32, 32),
    ),
    Recipe(
        "resnet20",
        f"ResNet-20 for small images, 200 epochs. {_LITERATURE}",
        spec={"model": {"architecture": "resnet20"}},
        parameters=272_474,
        macs=40_813_184,
        reference_size=(32, 32),
    ),
    Recipe(
        "resnet20_short",
        "ResNet-20 in minutes on a CPU: 30 epochs, cosine schedule, small batches.",
        spec={"model": {"architecture": "resnet20"}, **_SHORT},
        parameters=272_474,
        macs=40_813_184,
        reference_size=(32, 32),
        run_here=True,
    ),
    Recipe(
        "mobilenet_v3_small",
        "MobileNetV3-small, 200 epochs, cosine schedule: the smallest file of the nets for larger images.",
        spec={"model": {"architecture": "mobilenet_v3_small"}, **_COSINE},
        parameters=1_528_106,
        macs=55_496_640,
        reference_size=(224, 224),
    ),
    Recipe(
        "efficientnet_b0",
        "EfficientNet-B0, 200 epochs, cosine schedule.",
        spec={"model": {"architecture": "efficientnet_b0"}, **_COSINE},
        parameters=4_020_358,
        macs=384_547_552,
        reference_size=(224, 224),
    ),
    Recipe(
        "shufflenet_v2",
        "ShuffleNetV2 x1.0, 200 epochs, cosine schedule.",
        spec={"model": {"architecture": "shufflenet_v2_x1_0"}, **_COSINE},
        parameters=1_263_854,
        macs=143_894_232,
        reference_size=(224, 224),
    ),
    Recipe(
        "lraspp",
        "Segmentation: LR-ASPP on MobileNetV3-large by patch swap of images and masks, 60 epochs, cosine schedule.",
        spec={
            "model": {"architecture": "lraspp_mobilenet_v3_large"},
            "method": {"name": "patch_swap", "kd_weight": 0.25},
            "optimizer": {"name": "adamw", "learning_rate": 2e-3, "schedule": "cosine"},
            "training": {"epochs": 60, "pairs_per_batch": 8},
        },
        parameters=3_219_668,
        macs=377_832_480,
        reference_size=(224, 224),
    ),
    Recipe(
        "fcos",
        "Detection: FCOS on ResNet-18 by patch swap of boxes, 60 epochs, cosine schedule.",
        spec={
            "model": {"architecture": "fcos_resnet18_fpn"},
            "method": {"name": "patch_swap", "kd_weight": 0.25},
            # At full rate from the first step the heads of this network hardly learn.
            "optimizer": {"name": "adamw", "learning_rate": 1e-3, "schedule": "cosine", "warmup_epochs": 1},
            "training": {"epochs": 60, "pairs_per_batch": 4},
        },
        parameters=19_116_367,
        macs=15_194_806_784,
        reference_size=(320, 320),
    ),
    Recipe(
        "cross_entropy",
        "The control: ResNet-18 by plain cross-entropy on as many images.",
        spec={"model": {"architecture": "resnet18"}, "method": {"name": "cross_entropy"}},
        parameters=11_173_962,
        macs=555_422_720,
        reference_size=(32, 32),
    ),
)
