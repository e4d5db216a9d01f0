"""What the default recipe chooses: by images, task, weights at hand and device, and never over a given field."""

from __future__ import annotations

from typing import Any

import pytest

from contract.pack.manifest import PackManifest
from contract.specs import Submission, lay_out, resolve
from contract.specs.pace import Pace
from contract.specs.recipes.fine_tuning import METHOD
from contract.weights import BUILT_IN
from tests.contract.specs.test_resolution import manifest

LITE0 = "wts_efficientnet_lite0_in1k"
AT_HAND = {weights_id: built_in.card for weights_id, built_in in BUILT_IN.items()}
GPU = Pace(device="NVIDIA H200")


def photographs(images: int = 1_000, *, side: int = 192, **changes: Any) -> PackManifest:
    fields = {
        "channels": 3,
        "image_size": None,
        "median_size": (side + 64, side),
        "counts": {"train": {"a": images // 2, "b": images // 2}, "val": {"a": 50, "b": 50}, "test": {"a": 9, "b": 9}},
        "mean": [0.5] * 3,
        "std": [0.2] * 3,
    }
    return manifest(**(fields | changes))


def submitted(pack: PackManifest, *, weights: Any = AT_HAND, pace: Pace = Pace(), **body: Any) -> Submission:  # noqa: B008
    return lay_out({"dataset": "dsv_1", **body}, pack, at_hand=weights, pace=pace)


def test_photographs_are_fine_tuned_from_the_weights_at_hand():
    pack = photographs()
    spec, chosen = submitted(pack)
    resolved, warnings = resolve(spec, pack, AT_HAND)
    assert chosen.recipe == "fine_tuning"
    assert (resolved.model.architecture, resolved.model.pretrained) == ("efficientnet_lite0", LITE0)
    assert (resolved.height, resolved.width) == (160, 160)
    assert resolved.method.name == METHOD["classification"]["name"]
    assert {(each.format, each.precision) for each in resolved.exports} == {("onnx", "fp32"), ("onnx", "int8")}
    assert not warnings
    assert LITE0 in chosen.message
    assert "1,000 training images" in chosen.message


def test_without_weights_the_network_is_trained_longer_from_scratch_and_says_why():
    spec, chosen = submitted(photographs(), weights={})
    assert chosen.recipe == "from_scratch"
    assert "patchswap[weights]" in chosen.message
    assert spec.training.epochs > submitted(photographs())[0].training.epochs


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"model": {"pretrained": None}}, "asks for random weights"),
        ({"model": {"architecture": "resnet18"}}, "no pretrained weights of resnet18"),
    ],
)
def test_a_network_that_is_given_is_looked_at(body, said):
    spec, chosen = submitted(photographs(), **body)
    assert chosen.recipe == "from_scratch"
    assert said in chosen.message
    assert spec.model.architecture == body["model"].get("architecture", "mobilenet_v3_small")


def test_images_of_one_channel_have_no_weights():
    assert "one channel" in submitted(photographs(channels=1, mean=[0.5], std=[0.2]))[1].message


@pytest.mark.parametrize(("channels", "flips"), [(1, False), (3, True)])
def test_small_images_are_trained_from_scratch_by_a_small_network(channels, flips):
    pack = photographs(side=32, channels=channels, mean=[0.5] * channels, std=[0.2] * channels)
    spec, chosen = submitted(pack)
    assert (chosen.recipe, spec.model.architecture) == ("small_images", "resnet20")
    assert spec.training.augmentation.horizontal_flip is flips
    assert resolve(spec, pack, AT_HAND)[0].model.pretrained is None


@pytest.mark.parametrize(
    ("task", "recipe", "architecture"),
    [("segmentation", "masks", "lraspp_efficientnet_lite0"), ("detection", "boxes", "fcos_efficientnet_lite0_fpn")],
)
def test_masks_and_boxes_have_rules_of_their_own(task, recipe, architecture):
    pack = photographs(task=task)
    spec, chosen = submitted(pack)
    assert (chosen.recipe, spec.model.architecture) == (recipe, architecture)
    assert resolve(spec, pack, AT_HAND)[0].model.pretrained == LITE0
    assert submitted(pack, weights={})[0].model.architecture != architecture


def test_what_is_given_wins_field_by_field():
    given = {
        "training": {"epochs": 2, "augmentation": {"crop_padding": 8}},
        "optimizer": {"learning_rate": 0.02},
        "exports": [],
        "seed": 3,
    }
    spec, chosen = submitted(photographs(), **given)
    assert (spec.training.epochs, spec.optimizer.learning_rate, spec.exports, spec.seed) == (2, 0.02, (), 3)
    assert spec.optimizer.name == "adamw"  # the rate was given, not the optimizer
    assert spec.training.augmentation.random_resized_crop is None  # it excludes the padding that was given
    assert spec.training.augmentation.closing_crop is None
    assert spec.optimizer.warmup_epochs == 0  # of two epochs, one would be too much
    assert resolve(spec, photographs(), AT_HAND)
    assert chosen.recipe == "fine_tuning"
    assert "2 epochs" in chosen.message


@pytest.mark.parametrize("area", [None, [0.5, 1]])
def test_a_crop_that_is_given_is_that_of_the_whole_training(area: list[float] | None):
    spec, _ = submitted(photographs(), training={"augmentation": {"random_resized_crop": area}})
    cropped = spec.training.augmentation
    assert (cropped.random_resized_crop, cropped.closing_crop) == (tuple(area) if area else None, None)
    assert resolve(spec, photographs(), AT_HAND)


def test_another_optimizer_or_method_replaces_the_chosen_one_whole():
    spec, _ = submitted(photographs(), optimizer={"name": "sgd"}, method={"name": "patch_swap", "kd_weight": 0.25})
    assert (spec.optimizer.learning_rate, spec.optimizer.schedule) == (0.1, "step")
    assert (spec.method.name, spec.method.kd_weight) == ("patch_swap", 0.25)
    assert submitted(photographs(), method={"kd_weight": 0.5})[0].method.name == "patch_swap"


def test_the_method_is_explained_only_where_it_was_chosen():
    _, chosen = submitted(photographs())
    assert any("Cross-entropy" in reason for reason in chosen.reasons)
    _, chosen = submitted(photographs(), method={"name": "patch_swap"})
    assert not any("Cross-entropy" in reason for reason in chosen.reasons)


@pytest.mark.parametrize("recipe", [None, "resnet20_short"])
def test_nothing_is_chosen_where_a_recipe_is_named_or_refused(recipe):
    spec, chosen = submitted(photographs(), recipe=recipe)
    assert chosen is None
    assert spec.method.name == "patch_swap"


def test_a_gpu_sees_larger_images_more_often():
    on_gpu, on_cpu = submitted(photographs(side=300), pace=GPU)[0], submitted(photographs(side=300))[0]
    assert on_gpu.training.image_size > on_cpu.training.image_size
    assert on_gpu.training.epochs > on_cpu.training.epochs
    assert "NVIDIA H200" in submitted(photographs(), pace=GPU)[1].message


def test_the_more_images_the_fewer_epochs():
    epochs = [submitted(photographs(images))[0].training.epochs for images in (40, 400, 1_000, 20_000)]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] > epochs[-1] >= 4


def test_unbalanced_classes_are_drawn_equally_often():
    counts = {"train": {"a": 500, "b": 50}, "val": {"a": 5, "b": 5}, "test": {"a": 5, "b": 5}}
    spec, chosen = submitted(photographs(counts=counts))
    assert spec.training.class_balance == "sampler"
    assert "drawn equally often" in chosen.message
    assert submitted(photographs(counts=counts), training={"class_balance": "none"})[0].training.class_balance == "none"
    assert submitted(photographs())[0].training.class_balance == "none"


def test_a_dataset_of_few_images_gets_batches_that_it_can_fill():
    pack = photographs(6)
    assert submitted(pack)[0].training.pairs_per_batch == 6
    assert not resolve(submitted(pack)[0], pack, AT_HAND)[1]
