"""Facts to make a report of, without a training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from contract.child.messages import Arm
from contract.pack.manifest import PackManifest, Pairability
from contract.results.evaluation import EpochValue, Evaluation, LayerGradient, SplitEvaluation
from contract.specs import ResolvedSpec, parse, resolve
from tests.trainer.conftest import body
from trainer.report.facts import Facts
from trainer.tasks.classification import comparison, figures
from trainer.tasks.classification.predictions import Predictions
from trainer.tasks.classification.report import VIEW, Pictures
from trainer.tasks.classification.swaps import Pair, Shown

PICTURE = "data:image/png;base64,AAAA"


def facts(
    classes: list[str],
    *,
    control: bool = True,
    superclasses: dict[str, str] | None = None,
    calibrated: bool = True,
    robust: bool = True,
    right: float = 0.7,
    **spec: Any,
) -> Facts:
    manifest = manifest_of(classes, superclasses)
    arms: tuple[Arm, ...] = ("main", "control") if control else ("main",)
    found = {arm: predictions(len(classes), seed=number, right=right) for number, arm in enumerate(arms)}
    evaluations = {
        arm: evaluation(arm, split(one, manifest, calibrated=calibrated, robust=robust)) for arm, one in found.items()
    }
    if control:
        evaluations["main"].against_control = comparison.compare(
            found["main"], found["control"], split="test", calibrated=calibrated, equal_images_seen=True
        )
    curve = [(epoch, 1 / epoch) for epoch in range(1, 31)]
    keys = ("train.loss", "val.nll", "train.top1_accuracy", "val.top1_accuracy", "train.gradient_l1")
    shown = Shown(PICTURE, 1, 0.75, 0.25)
    return Facts(
        view=VIEW,
        spec=resolved(manifest, control=control, **spec),
        manifest=manifest,
        evaluations=evaluations,
        curves={arm: dict.fromkeys(keys, curve) for arm in arms},
        shown=Pictures([Pair(0, 0.5, (shown, shown), (shown, shown))], {}),
    )


def manifest_of(classes: list[str], superclasses: dict[str, str] | None = None) -> PackManifest:
    return PackManifest(
        classes=classes,
        samples=4 * len(classes),
        counts={split: dict.fromkeys(classes, 2) for split in ("train", "test")},
        encoding="raw",
        channels=1,
        image_size=(8, 8),
        median_size=(8, 8),
        mean=[0.5],
        std=[0.25],
        pairability=Pairability(share=1, unpairable_classes=[]),
        evaluation_split="test",
        digest="0" * 64,
        bytes=1,
        superclasses=superclasses,
    )


def resolved(manifest: PackManifest, **changes: Any) -> ResolvedSpec:
    return resolve(parse(body(**changes)), manifest)[0]


def predictions(classes: int, *, seed: int, right: float) -> Predictions:
    random = np.random.default_rng(seed)
    labels = np.arange(30 * classes) % classes
    logits = random.normal(0, 1, (len(labels), classes))
    logits[np.arange(len(labels)), labels] += np.where(random.random(len(labels)) < right, 5, -5)
    return Predictions.of(torch.from_numpy(logits), torch.from_numpy(labels))


def split(found: Predictions, manifest: PackManifest, *, calibrated: bool, robust: bool) -> SplitEvaluation:
    result = figures.of(
        found,
        split="test",
        classes=manifest.classes,
        calibrated=calibrated,
        superclass_of=manifest.superclasses,
    )
    if robust:
        attack = {"epsilon": 1 / 255, "top1_accuracy": 0.5, "confidence_interval": (0.4, 0.6)}
        result.robustness = {
            "fgsm": {"samples": 20, "clean_top1_accuracy": 0.85, "strengths": [attack, attack | {"epsilon": 2 / 255}]},
            "pgd": {"samples": 20, "clean_top1_accuracy": 0.85, "strengths": [attack, attack | {"epsilon": 2 / 255}]},
            "corruptions": {
                "samples": 20,
                "clean_top1_accuracy": 0.85,
                "mean_top1_accuracy": 0.4,
                "top1_accuracy": {"noise": [0.5, 0.4, 0.3, 0.2, 0.1]},
            },
        }
    return result


def evaluation(arm: Arm, held_out: SplitEvaluation) -> Evaluation:
    return Evaluation(
        arm=arm,
        method="patch_swap" if arm == "main" else "cross_entropy",
        splits={"test": held_out},
        evaluation_split="test",
        images_seen=1000,
        train_seconds=12.5,
        parameters=272_186,
        macs=2_532_992,
        peak_memory_bytes=150_000_000,
        layer_gradients=[LayerGradient(layer=name, weights=9, mean_absolute=0.01) for name in ("conv1", "fc")],
        gradient_l1=[EpochValue(epoch=1, value=0.01)],
    )
