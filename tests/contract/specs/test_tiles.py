"""Tiles in specs: what `auto` becomes, what is refused, and when they are proposed."""

import json

import pytest

from contract.specs import SpecInvalid, parse, resolve, settle
from contract.specs.violations import SpecWarning
from tests.contract.specs.test_image_size import sized

SMALL = sized("detection", (3000, 4000), tenth_px=30)


def resolved(pack, **training):
    return resolve(parse({"dataset": "d", "training": training}), pack)


def told(warnings: list[SpecWarning]) -> dict[str, str]:
    return {warning.code: warning.message for warning in warnings}


@pytest.mark.parametrize(
    ("pack", "size", "shrink"),
    [
        (sized("detection", (3000, 4000), tenth_px=20), (320, 320), 1),
        (sized("detection", (3000, 4000), tenth_px=50), (320, 320), 3),
        (sized("detection", (3000, 4000), tenth_px=3000), (320, 320), 9),
        (sized("detection", (300, 4000), tenth_px=64), (320, 320), 1),
        (sized("detection", (200, 4000), tenth_px=20), (224, 320), 1),
        (sized("segmentation", (3000, 4000)), (384, 384), 1),
    ],
)
def test_tiles_keep_the_smallest_tenth_of_boxes_as_large_as_they_should_be(pack, size: tuple, shrink: int) -> None:
    spec, _ = resolved(pack, tiles={})
    assert ((spec.height, spec.width), spec.training.fit) == (size, "letterbox")
    assert spec.training.tiles.model_dump() == {"shrink": shrink, "overlap": 0.25}
    stored = json.loads(spec.model_dump_json())
    assert settle(stored, pack)[0] == spec


def test_what_was_asked_of_tiles_is_taken() -> None:
    spec, _ = resolved(SMALL, tiles={"shrink": 5, "overlap": 0.5}, image_size=[256, 512])
    assert (spec.height, spec.width) == (256, 512)
    assert spec.training.tiles.model_dump() == {"shrink": 5, "overlap": 0.5}


def test_specs_without_tiles_are_written_as_before() -> None:
    spec, _ = resolved(SMALL)
    assert "tiles" not in spec.model_dump()["training"]


@pytest.mark.parametrize(
    ("task", "training", "pointer"),
    [
        ("classification", {"tiles": {}}, "/training/tiles"),
        ("detection", {"tiles": {}, "fit": "stretch"}, "/training/fit"),
    ],
)
def test_tiles_are_refused_where_they_cannot_be_merged(task: str, training: dict, pointer: str) -> None:
    with pytest.raises(SpecInvalid) as refused:
        resolved(sized(task, (3000, 4000)), **training)
    assert [violation.pointer for violation in refused.value.violations] == [pointer]


@pytest.mark.parametrize(
    ("pack", "code"), [(SMALL, "boxes_small"), (sized("segmentation", (3000, 4000)), "images_shrunk")]
)
def test_tiles_are_proposed_with_their_cost_where_images_are_shrunk(pack, code: str) -> None:
    message = told(resolved(pack)[1])[code]
    assert "train on tiles with `--tiles auto` (`training.tiles`)" in message
    spec, _ = resolved(pack, tiles={})
    runs = {"detection": 13 * 17, "segmentation": 11 * 14}[pack.task]
    assert f"the network runs {runs} times" in message
    assert f"{spec.height} x {spec.width} px" in message


def test_tiles_are_not_proposed_for_images_of_one_tile() -> None:
    message = told(resolved(sized("detection", (300, 300), tenth_px=6))[1])["boxes_small"]
    assert "tiles" not in message


def test_many_tiles_are_told_with_the_way_to_fewer() -> None:
    found = told(resolved(SMALL, tiles={"shrink": 1})[1])
    assert "221 tiles" in found["tiles_many"]
    assert "training.tiles.shrink" in found["tiles_many"]
    assert "tiles_many" not in told(resolved(SMALL, tiles={"shrink": 4})[1])


def test_tiles_that_lose_small_boxes_are_told() -> None:
    assert "4 times it is 8 px" in told(resolved(SMALL, tiles={"shrink": 4})[1])["boxes_small"]
    assert "boxes_small" not in told(resolved(SMALL, tiles={})[1])


def test_tiles_of_images_that_fit_into_one_are_said_to_change_nothing() -> None:
    assert "tiles_useless" in told(resolved(sized("detection", (300, 300), tenth_px=20), tiles={})[1])
