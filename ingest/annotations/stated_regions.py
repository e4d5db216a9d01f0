"""The regions that a dataset states of one image, held against it: they become a mask."""

from dataclasses import dataclass

from ingest.annotations import masks, regions
from ingest.annotations.boxes import check_size
from ingest.annotations.regions import Polygons, Region
from ingest.limits import Limits
from ingest.marks import Marks
from ingest.notes import Note, Unusable


@dataclass(frozen=True)
class StatedRegions:
    regions: list[tuple[Region, int, int]]  # with their class and z-order
    stated_size: tuple[int, int] | None
    relative: bool = False  # polygons in shares of the image's sides

    @property
    def weight(self) -> int:
        return sum(region.weight for region, _, _ in self.regions)

    @property
    def sized(self) -> bool:
        return self.stated_size is not None

    def fit(self, height: int, width: int, limits: Limits) -> Marks:
        check_size(self.stated_size, height, width)
        if len(self.regions) > limits.boxes:
            raise Unusable("too_many_boxes", f"More than {limits.boxes:,} regions.", "Split the image into tiles.")
        stated = self._in_pixels(height, width) if self.relative else self.regions
        painted = regions.paint(stated, height, width)
        return masks.of_values(painted.mask, _notes(painted.overlap_px, layered=self._layered))

    @property
    def _layered(self) -> bool:
        return len({order for _, _, order in self.regions}) > 1

    def _in_pixels(self, height: int, width: int) -> list[tuple[Region, int, int]]:
        return [
            (region.scaled(width, height) if isinstance(region, Polygons) else region, number, order)
            for region, number, order in self.regions
        ]


def _notes(overlap_px: int, *, layered: bool) -> tuple[Note, ...]:
    if not overlap_px:
        return ()
    rule = "the one of the higher z-order" if layered else "the smaller one"
    message = f"{overlap_px} pixels belong to regions of two classes; {rule} lies on top."
    return (Note("warning", "regions_overlap", message, "Cut the regions apart where another one should count."),)
