"""How large images are to a network and how they are laid into its frame: what `auto` becomes, and what that loses.

Sizes are (height, width). A class's smallest tenth of boxes is the tenth percentile of their shorter sides.
"""

from math import ceil
from typing import Literal

from contract.pack.manifest import PackManifest
from contract.specs import tiles as tiling
from contract.specs.tiles import TilesSpec
from contract.specs.training import MAX_SIDE_PX, TrainingSpec
from contract.specs.violations import SpecWarning
from contract.tasks import TaskName

Size = tuple[int, int]
Fit = Literal["stretch", "letterbox"]

STRIDE_PX = 32  # of the deepest maps of every backbone
AS_THEY_ARE_UP_TO_PX = 224  # images of one size up to here are not resized
BOX_PX = 16  # the shorter side that the smallest tenth of boxes should keep: two cells of the finest map, stride 8
LEAST_BOX_PX = 8  # below one cell
LONGER_SIDE_PX: dict[TaskName, int] = {"classification": 224, "segmentation": 384, "detection": 320}
BOXES_UP_TO_PX = 512  # the longer side that auto takes for small boxes; the cost grows with the square
SQUEEZED = 1.5  # how much one side may shrink against the other before it is worth a warning
_SAME_ASPECT: dict[TaskName, float] = {"classification": 2.0, "segmentation": 1.05, "detection": 1.05}
_SHRUNK = 1 / 4  # below, what is smaller than four pixels is smaller than one
_EMPTY = 0.5  # of the frame


def chosen_size(training: TrainingSpec, manifest: PackManifest) -> Size:
    """Height and width of the network's frame."""
    asked = training.image_size
    if isinstance(asked, int):
        return asked, asked
    if asked != "auto":
        return asked
    one = manifest.image_size
    if one and max(one) <= AS_THEY_ARE_UP_TO_PX and min(one) >= 8:
        return one
    if manifest.task == "classification" and not _is_strip(manifest.median_size):
        side = min(AS_THEY_ARE_UP_TO_PX, *manifest.median_size)
        side = max(8, side - side % 32 if side >= 32 else side - side % 4)
        return side, side
    if training.tiles:
        return _tile_frame(manifest)
    return _frame(_longer_side(manifest), manifest)


def chosen_fit(training: TrainingSpec, manifest: PackManifest, size: Size) -> Fit:
    """Letterbox where stretching would change the aspect ratio of some of the images."""
    if training.fit != "auto":
        return training.fit
    if training.tiles:
        return "letterbox"
    if manifest.aspects is None and manifest.image_size is None and manifest.task != "classification":
        return "letterbox"  # a pack of an earlier release, which does not say how far its images differ
    return "letterbox" if _worst_squeeze(manifest, size) > _SAME_ASPECT[manifest.task] else "stretch"


def chosen_tiles(training: TrainingSpec, manifest: PackManifest, size: Size) -> TilesSpec | None:
    """The tiles with their `shrink` as a number."""
    tiles, boxes = training.tiles, manifest.box_sizes
    if tiles is None:
        return None
    smallest_px = boxes.tenth_px / BOX_PX if boxes else 1
    shrink = tiling.shrink_for(tiles, smallest_px=smallest_px, size=size, image=manifest.median_size)
    return tiles.model_copy(update={"shrink": shrink})


def losses(manifest: PackManifest, size: Size, fit: Fit, tiles: TilesSpec | None = None) -> list[SpecWarning]:
    """What images lose at a size, with figures and what to do. `tiles` are resolved."""
    if tiles is not None:
        return [
            warning for warning in (_small_in_tiles(manifest, tiles), _tile_count(manifest, size, tiles)) if warning
        ]
    found = [
        _small_boxes(manifest, size),
        _squeezed(manifest, size) if fit == "stretch" else _padded(manifest, size),
        _shrunk(manifest, size),
    ]
    return [warning for warning in found if warning]


def named(size: Size) -> str:
    return f"{size[0]} x {size[1]} px (height x width)"


def box_px(manifest: PackManifest, size: Size) -> float | None:
    """The smallest tenth of boxes in pixels of the network, in an image of the median size."""
    if manifest.box_sizes is None:
        return None
    return manifest.box_sizes.tenth_share * max(manifest.median_size) * _scale(manifest, size)


def _tile_frame(manifest: PackManifest) -> Size:
    """A square, but no side longer than the images'."""
    height, width = (_multiple(min(side, LONGER_SIDE_PX[manifest.task])) for side in manifest.median_size)
    return height, width


def _longer_side(manifest: PackManifest) -> int:
    longest = max(manifest.median_size)
    side = min(longest, LONGER_SIDE_PX[manifest.task])
    if manifest.box_sizes:
        side = max(side, min(longest, BOXES_UP_TO_PX, _side_for_boxes(manifest.box_sizes.tenth_share)))
    return side


def _side_for_boxes(tenth_share: float) -> int:
    """The longer side at which the smallest tenth of boxes has `BOX_PX`."""
    return ceil(BOX_PX / tenth_share)


def _frame(longer_side: int, manifest: PackManifest) -> Size:
    """The median aspect ratio, each side a multiple of the stride, or of 4 below it."""
    height, width = (side * longer_side / max(manifest.median_size) for side in manifest.median_size)
    return _multiple(height), _multiple(width)


def _multiple(side: float) -> int:
    step = STRIDE_PX if side > STRIDE_PX - 4 else 4
    return max(8, ceil(side / step) * step)


def _is_strip(size: Size) -> bool:
    return max(size) > 2 * min(size)


def _scale(manifest: PackManifest, size: Size) -> float:
    """By how much an image of the median size is resized, on the side that shrinks the most."""
    return min(side / own for side, own in zip(size, manifest.median_size, strict=True))


def _aspects(manifest: PackManifest) -> tuple[float, float]:
    """Width by height of narrow and of wide images: the 5th and the 95th percentile."""
    if manifest.aspects:
        return manifest.aspects[0], manifest.aspects[-1]
    height, width = manifest.image_size or manifest.median_size
    return width / height, width / height


def _worst_squeeze(manifest: PackManifest, size: Size) -> float:
    """How many times one side is shrunk against the other, of the image that suffers the most; 1: none is."""
    height, width = size
    return max(max(aspect * height / width, width / height / aspect) for aspect in _aspects(manifest))


def _small_boxes(manifest: PackManifest, size: Size) -> SpecWarning | None:
    boxes, at_size = manifest.box_sizes, box_px(manifest, size)
    if boxes is None or at_size is None:
        return None
    shrinks = _scale(manifest, size) < 1
    if at_size >= (BOX_PX if shrinks else LEAST_BOX_PX):
        return None
    message = (
        f"The smallest tenth of the boxes of {boxes.class_name!r} is at most {boxes.tenth_px:.0f} px on its shorter "
        f"side; at {named(size)} it is {at_size:.0f} px, and objects under {BOX_PX} px are often missed."
    )
    better = _frame(min(MAX_SIDE_PX, _side_for_boxes(boxes.tenth_share)), manifest)
    cost = better[0] * better[1] / (size[0] * size[1])
    if cost > 1:
        message += f" Train with `--image-size {better[0]}x{better[1]}` (`training.image_size`) for "
        message += f"{box_px(manifest, better):.0f} px; a step takes about {cost:.1f} times as long."
        message += _or_tiles(manifest)
    else:
        message += " Cut the images into parts before you push them, or train with `--set model.stem=small`."
    return SpecWarning(pointer="/training/image_size", code="boxes_small", message=message)


def _squeezed(manifest: PackManifest, size: Size) -> SpecWarning | None:
    worst = _worst_squeeze(manifest, size)
    if worst <= SQUEEZED:
        return None
    message = (
        f"Images are stretched to {named(size)}: of some, one side shrinks {worst:.1f} times as much as the other. "
        "Train with `--fit letterbox` (`training.fit`) to keep their aspect ratio."
    )
    return SpecWarning(pointer="/training/fit", code="images_squeezed", message=message)


def _padded(manifest: PackManifest, size: Size) -> SpecWarning | None:
    empty = 1 - 1 / _worst_squeeze(manifest, size)
    if empty <= _EMPTY:
        return None
    better = _frame(max(size), manifest)
    message = f"Letterbox leaves up to {empty:.0%} of {named(size)} empty: aspect ratios differ that much."
    if better != size:
        message += f" Train with `--image-size {better[0]}x{better[1]}` (`training.image_size`), as the median image."
    return SpecWarning(pointer="/training/image_size", code="frame_empty", message=message)


def _shrunk(manifest: PackManifest, size: Size) -> SpecWarning | None:
    scale = _scale(manifest, size)
    if scale >= _SHRUNK or manifest.task == "classification":
        return None
    message = (
        f"Images of {named(manifest.median_size)} are shrunk to {named(size)}: what is smaller than "
        f"{1 / scale:.0f} px is smaller than a pixel then. Train with a larger `--image-size` "
        f"(`training.image_size`, up to {MAX_SIDE_PX})."
    ) + _or_tiles(manifest)
    return SpecWarning(pointer="/training/image_size", code="images_shrunk", message=message)


def _or_tiles(manifest: PackManifest) -> str:
    """What tiles would do, where there would be several."""
    asked = TrainingSpec(tiles=TilesSpec())
    size = _tile_frame(manifest)
    tiles = chosen_tiles(asked, manifest, size)
    parts = tiling.count(tiles, size=size, image=manifest.median_size) if tiles else 1
    if parts == 1:
        return ""
    return (
        f" Or train on tiles with `--tiles auto` (`training.tiles`): {named(size)} each, and to find what an image "
        f"shows the network runs {parts} times."
    )


def _small_in_tiles(manifest: PackManifest, tiles: TilesSpec) -> SpecWarning | None:
    boxes, shrink = manifest.box_sizes, int(tiles.shrink)
    if boxes is None or boxes.tenth_px / shrink >= (BOX_PX if shrink > 1 else LEAST_BOX_PX):
        return None
    message = (
        f"The smallest tenth of the boxes of {boxes.class_name!r} is at most {boxes.tenth_px:.0f} px on its shorter "
        f"side; in tiles that shrink {shrink} times it is {boxes.tenth_px / shrink:.0f} px, and objects under {BOX_PX} "
        "px are often missed. "
    )
    message += "Take a smaller `training.tiles.shrink`." if shrink > 1 else "Train with `--set model.stem=small`."
    return SpecWarning(pointer="/training/tiles/shrink", code="boxes_small", message=message)


def _tile_count(manifest: PackManifest, size: Size, tiles: TilesSpec) -> SpecWarning | None:
    parts = tiling.count(tiles, size=size, image=manifest.median_size)
    if parts == 1:
        message = (
            f"An image of {named(manifest.median_size)} fits into one tile, so tiles change nothing. Leave "
            "`training.tiles` out, or take a smaller `training.image_size` or `training.tiles.shrink`."
        )
        return SpecWarning(pointer="/training/tiles", code="tiles_useless", message=message)
    if parts <= tiling.MANY:
        return None
    message = (
        f"An image of {named(manifest.median_size)} is {parts} tiles of {named(size)}: evaluation and `infer.py` run "
        "the network that many times per image. Take a larger `training.tiles.shrink` or a smaller "
        "`training.tiles.overlap` for fewer."
    )
    return SpecWarning(pointer="/training/tiles", code="tiles_many", message=message)
