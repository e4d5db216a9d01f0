"""Augmentation, class balance and the order of learning: what is refused, where, and what is warned of."""

import pytest

from contract.specs import SpecInvalid, parse, resolve, settle
from tests.contract.specs.test_resolution import manifest

UNBALANCED = manifest(counts={"train": {"a": 50, "b": 5}, "test": {"a": 10, "b": 10}})


def refused(body, pack=None):
    with pytest.raises(SpecInvalid) as caught:
        resolve(parse({"dataset": "d"} | body), pack or manifest())
    return {violation.pointer: violation.code for violation in caught.value.violations}


def warned(body, pack):
    return {w.pointer: w.code for w in resolve(parse({"dataset": "d"} | body), pack)[1]}


def augmentation(**fields):
    return {"training": {"augmentation": fields}}


@pytest.mark.parametrize("task", ["segmentation", "detection"])
@pytest.mark.parametrize(
    ("training", "pointer"),
    [
        ({"augmentation": {"random_resized_crop": [0.5, 1]}}, "/training/augmentation/random_resized_crop"),
        ({"augmentation": {"closing_crop": [0.6, 1]}}, "/training/augmentation/closing_crop"),
        ({"augmentation": {"color_jitter": 0.2}}, "/training/augmentation/color_jitter"),
        ({"augmentation": {"trivial_augment": True}}, "/training/augmentation/trivial_augment"),
        ({"augmentation": {"random_erasing": 0.2}}, "/training/augmentation/random_erasing"),
        ({"class_balance": "weights"}, "/training/class_balance"),
        ({"class_balance": "sampler"}, "/training/class_balance"),
    ],
)
def test_what_is_for_classification_is_refused_for_masks_and_boxes(task, training, pointer):
    pack = manifest(task=task, classes=["background", "a"])
    assert refused({"training": training}, pack) == {pointer: "not_of_task"}


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (augmentation(random_resized_crop=[1, 0.5]), "/training/augmentation/random_resized_crop", "not_increasing"),
        (augmentation(random_resized_crop=[0.5, 1], crop_padding=4), "/training/augmentation/crop_padding", "excluded"),
        (
            augmentation(random_resized_crop=[0.5, 1], closing_crop=[1, 0.6]),
            "/training/augmentation/closing_crop",
            "not_increasing",
        ),
        (augmentation(closing_crop=[0.6, 1]), "/training/augmentation/closing_crop", "needs_random_resized_crop"),
        ({"training": {"freeze_norms": "all"}}, "/training/freeze_norms", "nothing_pretrained"),
        ({"optimizer": {"head_warmup_epochs": 200}}, "/optimizer/head_warmup_epochs", "not_below_epochs"),
        (
            {"training": {"class_balance": "weights"}, "method": {"name": "cs_kd"}},
            "/training/class_balance",
            "not_of_method",
        ),
        (
            {"training": {"class_balance": "sampler"}, "method": {"name": "ps_kd"}},
            "/training/class_balance",
            "stateful_method",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_stands(body, pointer, code):
    assert refused(body) == {pointer: code}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (augmentation(random_resized_crop=[0.01, 1]), "/training/augmentation/random_resized_crop/0"),
        (augmentation(color_jitter=1.5), "/training/augmentation/color_jitter"),
        (augmentation(random_erasing=-0.1), "/training/augmentation/random_erasing"),
        (augmentation(trivial_augment=1), "/training/augmentation/trivial_augment"),
        ({"optimizer": {"layer_decay": 0}}, "/optimizer/layer_decay"),
        ({"optimizer": {"layer_decay": 1.1}}, "/optimizer/layer_decay"),
        ({"training": {"class_balance": "balanced"}}, "/training/class_balance"),
        ({"training": {"freeze_norms": True}}, "/training/freeze_norms"),
    ],
)
def test_values_out_of_range_are_refused(body, pointer):
    assert pointer in refused(body)


def test_a_resized_crop_takes_the_place_of_the_padded_one_and_settles_as_stored():
    stored = resolve(parse({"dataset": "d"} | augmentation(random_resized_crop=[0.35, 1])), manifest())[0]
    assert stored.training.augmentation.crop_padding == 0
    body = stored.model_dump(mode="json")
    assert settle(body, manifest())[0].model_dump(mode="json") == body


def test_new_fields_are_not_written_where_they_are_off():
    written = resolve(parse({"dataset": "d"}), manifest())[0].model_dump(mode="json")
    off = {"backbone_share", "layer_decay", "head_warmup_epochs", "decay_norms_and_biases"}
    assert not off & set(written["optimizer"])
    assert not {"freeze_norms", "class_balance"} & set(written["training"])
    assert set(written["training"]["augmentation"]) == {
        "crop_padding",
        "horizontal_flip",
        "scale_jitter",
        "photometric",
    }


def test_unbalanced_classes_are_warned_of_until_something_is_done():
    assert warned({}, UNBALANCED) == {"/training/class_balance": "classes_unbalanced", **warned({}, manifest())}
    balanced = {"training": {"class_balance": "sampler"}}
    assert "/training/class_balance" not in warned(balanced, UNBALANCED)


def test_what_keeps_random_weights_is_warned_of():
    asked = {"backbone_share": 0.1, "layer_decay": 0.3, "head_warmup_epochs": 1}
    found = warned({"optimizer": asked}, manifest())
    assert {found[f"/optimizer/{name}"] for name in asked} == {"nothing_pretrained"}
