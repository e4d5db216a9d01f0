"""What a reader of annotations gives: a page for each picture, with boxes or regions and the names of their classes.

A reader says what the files say. Which picture is meant, which number a class gets and what becomes of pictures
without a page is decided in `assembly`, once for all readers.
"""

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from contract.pack.manifest import Split
from contract.results.ingested import Layout
from contract.tasks import TaskName
from ingest.annotations import regions
from ingest.annotations.boxes import Kind
from ingest.annotations.regions import Region
from ingest.archives.members import Member
from ingest.notes import Unusable

OBJECT = "object"
Box = tuple[float, float, float, float]  # x1, y1, x2, y2


@dataclass
class Page:
    """What the archive says of one picture."""

    path: str  # the file that says it
    image: str  # the picture as it calls it
    labels: list[str] = field(default_factory=list)  # of boxes and regions alike
    boxes: "array[float]" = field(default_factory=lambda: array("d"))  # four of each; a tuple would take six times that
    regions: list[tuple[Region, int]] = field(default_factory=list)  # with z-order
    size: tuple[int, int] | None = None  # height, width of the picture as stated
    split: Split | None = None
    relative: bool = False  # in shares of the picture's sides
    kind: Kind = "corners"  # of the boxes as the file states them; here they are corners
    fault: Unusable | None = None
    member: Member | None = None  # where the reader knows the picture already
    also: tuple[str, ...] = ()  # other things that it calls the picture, to be tried in this order

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]


@dataclass
class Stated:
    """All pages of one layout."""

    layout: Layout
    pages: Iterable[Page]  # gone through once: of those without a picture nothing is kept
    classes: list[str] | None = None  # in the order that the dataset states; None: sorted
    keeps_unused: bool = False  # classes without an object are classes all the same
    used: set[str] = field(default_factory=set)  # paths of the files that spoke
    what: str = "annotation"  # that a picture without a page lacks
    fix: str = "Annotate the image, or remove it."
    empty_means_nothing: bool = True  # a picture listed without an object shows nothing
    tally: "Tally | None" = None
    order: dict[str, None] | None = None  # classes that are known only once the pages were gone through


@dataclass
class Tally:
    """What was turned into something else, or had no use, over all pages."""

    from_regions: int = 0  # boxes drawn around regions
    from_boxes: int = 0  # regions that are rectangles
    drawn: int = 0  # shapes in all
    unused: Counter[str] = field(default_factory=Counter)  # kind of shape -> how many
    lost: int = 0  # rows that speak of no image, beyond those that are kept to be named
    difficult: int = 0  # objects that Pascal VOC marks so
    unlabelled: int = 0  # shapes of a set that names no class at all, which are called `object`


class Drawing:
    """Collects the shapes of one picture as the task needs them: boxes, or regions."""

    def __init__(self, task: TaskName, tally: Tally) -> None:
        self.task, self._tally = task, tally
        self.labels: list[str] = []
        self.boxes = array("d")
        self.regions: list[tuple[Region, int]] = []

    def box(self, label: str, box: Box, order: int = 0) -> None:
        self._tally.drawn += 1
        self.labels.append(label)
        if self.task == "segmentation":
            self._tally.from_boxes += 1
            self.regions.append((regions.rectangle(*box), order))
        else:
            self.boxes.extend(box)

    def region(self, label: str, region: Region, order: int = 0) -> None:
        """Raises Unusable for a region without any place."""
        self._tally.drawn += 1
        if self.task == "segmentation":
            self.regions.append((region, order))
        else:
            self._tally.from_regions += 1
            self.boxes.extend(region.bounds())
        self.labels.append(label)

    def unlabelled(self) -> str:
        """The class of a shape in a set that names none."""
        self._tally.unlabelled += 1
        return OBJECT

    def unused(self, kind: str) -> None:
        self._tally.unused[kind] += 1

    def onto(self, page: Page) -> Page:
        page.labels, page.boxes, page.regions = self.labels, self.boxes, self.regions
        return page
