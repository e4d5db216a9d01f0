"""Training sizes by task and data, how images are laid into them, and what that is said to lose."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.pack.manifest import BoxSizes, PackManifest
from contract.specs import ResolvedSpec, parse, resolve, settle
from tests.contract.specs.test_resolution import manifest


def sized(task: str, median: tuple[int, int], *, one: bool = False, tenth_px: float = 0, **more) -> PackManifest:
    """Of images of one size or of many, whose class `cell` has boxes of this size."""
    aspect = median[1] / median[0]
    boxes = BoxSizes(class_name="cell", tenth_px=tenth_px, tenth_share=tenth_px / max(median)) if tenth_px else None
    fields = {"aspects": (aspect, aspect, aspect), "box_sizes": boxes, "image_size": median if one else None}
    return manifest(task=task, median_size=median, encoding="encoded", **fields | more)


def resolved(pack: PackManifest, **training) -> tuple[ResolvedSpec, dict[str, str]]:
    """The spec, and its warnings by code."""
    spec, told = resolve(parse({"dataset": "d", "training": training}), pack)
    kept = ("/training/image_size", "/training/fit")
    return spec, {warning.code: warning.message for warning in told if warning.pointer in kept}


@pytest.mark.parametrize(
    ("pack", "size", "fit"),
    [
        (sized("classification", (400, 600)), (224, 224), "stretch"),
        (sized("classification", (20, 30)), (20, 20), "stretch"),
        (sized("classification", (144, 780)), (64, 224), "stretch"),
        (sized("classification", (144, 780), aspects=(1.0, 5.4, 9.0)), (64, 224), "letterbox"),
        (sized("segmentation", (1080, 1920)), (224, 384), "stretch"),
        (sized("segmentation", (320, 384), aspects=(0.9, 1.2, 1.8)), (320, 384), "letterbox"),
        (sized("segmentation", (48, 48), one=True), (48, 48), "stretch"),
        (sized("detection", (480, 640), one=True), (256, 320), "letterbox"),
        (sized("detection", (480, 640), one=True, tenth_px=29), (288, 384), "stretch"),
        (sized("detection", (480, 640), one=True, tenth_px=10), (384, 512), "stretch"),
        (sized("detection", (480, 640), one=True, tenth_px=200), (256, 320), "letterbox"),
        (sized("detection", (100, 200), one=True, tenth_px=4), (100, 200), "stretch"),
        (sized("detection", (144, 780)), (64, 320), "letterbox"),
    ],
)
def test_the_size_follows_task_images_and_boxes(pack: PackManifest, size: tuple[int, int], fit: str) -> None:
    spec, _ = resolved(pack)
    assert ((spec.height, spec.width), spec.training.fit) == (size, fit)


@given(
    st.sampled_from(["classification", "segmentation", "detection"]),
    st.tuples(st.integers(8, 4000), st.integers(8, 4000)),
    st.floats(1, 8),
)
def test_every_automatic_size_is_allowed_and_survives_being_stored(task: str, median: tuple[int, int], px: float):
    pack = sized(task, median, tenth_px=px if task == "detection" else 0)
    spec, _ = resolved(pack)
    assert 8 <= min(spec.height, spec.width) <= max(spec.height, spec.width) <= 512
    stored = json.loads(spec.model_dump_json())
    assert settle(stored, pack)[0].model_dump(mode="json") == spec.model_dump(mode="json")


def test_what_was_asked_for_is_taken() -> None:
    spec, _ = resolved(sized("detection", (480, 640), tenth_px=29), image_size=[640, 1024], fit="letterbox")
    assert (spec.height, spec.width, spec.training.fit) == (640, 1024, "letterbox")


def test_a_spec_stored_by_the_first_release_stretches() -> None:
    pack = sized("segmentation", (320, 384), aspects=(0.9, 1.2, 1.8))
    stored = resolved(pack, image_size=224)[0].model_dump(mode="json")
    assert stored["training"]["fit"] == "letterbox"
    stored["training"].pop("fit", None)
    spec, _ = settle(stored, pack)
    assert (spec.height, spec.width, spec.training.fit) == (224, 224, "stretch")
    stored["training"]["augmentation"]["photometric"] = "auto"  # which it left open, so it is resolved anew
    assert settle(stored, pack)[0].training.fit == "stretch"


def test_workers_of_the_first_release_read_specs_that_stretch() -> None:
    """They refuse a field that they do not know."""
    stored = resolved(sized("classification", (20, 30)))[0].model_dump(mode="json")
    assert "fit" not in stored["training"]
    asked = parse({"dataset": "d", "training": {"fit": "stretch"}}).model_dump(mode="json")
    assert asked["training"]["fit"] == "stretch"  # a clone asks for the same


def test_packs_of_the_first_release_are_letterboxed_where_sizes_may_differ() -> None:
    old = {"aspects": None, "box_sizes": None}
    assert resolved(sized("detection", (480, 640), **old))[0].training.fit == "letterbox"
    assert resolved(sized("classification", (480, 640), **old))[0].training.fit == "stretch"
    assert resolved(sized("detection", (96, 96), one=True, **old))[0].training.fit == "stretch"


def test_small_boxes_are_told_with_figures_and_a_size_that_keeps_them() -> None:
    pack = sized("detection", (480, 640), one=True, tenth_px=14)
    told = resolved(pack, image_size=320)[1]["boxes_small"]
    assert "boxes of 'cell' is at most 14 px" in told
    assert "at 320 x 320 px (height x width) it is 7 px" in told
    assert "Train with `--image-size 576x736`" in told
    assert "for 16 px" in told
    assert "boxes_small" not in resolved(pack, image_size=[576, 736])[1]
    assert "it is 11 px" in resolved(pack)[1]["boxes_small"]  # 512 px is the most that auto takes


def test_boxes_that_are_small_in_the_images_themselves_are_told_too() -> None:
    told = resolved(sized("detection", (100, 200), one=True, tenth_px=4))[1]["boxes_small"]
    assert "at 100 x 200 px (height x width) it is 4 px" in told
    assert "`--image-size 416x800`" in told


@pytest.mark.parametrize(
    ("training", "code", "said"),
    [
        ({"image_size": 128, "fit": "stretch"}, "images_squeezed", "one side shrinks 5.4 times as much as the other"),
        ({"image_size": 128}, "frame_empty", "leaves up to 82% of 128 x 128 px"),
        ({}, None, ""),
    ],
)
def test_strips_are_not_squeezed_untold(training: dict, code: str | None, said: str) -> None:
    told = resolved(sized("segmentation", (144, 780), one=True), **training)[1]
    told.pop("images_shrunk", None)
    assert list(told) == ([code] if code else [])
    assert said in told.get(code, "")


def test_details_that_vanish_are_told() -> None:
    told = resolved(sized("segmentation", (3000, 4000)))[1]
    assert "what is smaller than 10 px is smaller than a pixel" in told["images_shrunk"]
    assert resolved(sized("segmentation", (600, 800)))[1] == {}
