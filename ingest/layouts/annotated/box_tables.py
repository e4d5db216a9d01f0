"""Tables with a row for each box: TensorFlow's `filename,width,height,class,xmin,ymin,xmax,ymax` and its kin.

Also Keras RetinaNet's `path,x1,y1,x2,y2,class` without a header, tables with a `bbox` of four numbers, and the VGG
annotator's. A row with an image and empty corners means that nothing is to be seen there.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, islice

from contract.results.ingested import Layout
from ingest import names
from ingest.annotations.boxes import Kind
from ingest.layouts.annotated import values
from ingest.layouts.annotated.assembly import assemble
from ingest.layouts.annotated.csv_files import Table, column, read_tables
from ingest.layouts.annotated.layout import Annotated, Given
from ingest.layouts.annotated.pages import Drawing, Page, Stated, Tally
from ingest.layouts.annotated.via import read_via_rows
from ingest.notes import Unusable

_IMAGE = ("filename", "file_name", "image", "image_name", "image_id", "imageid", "file", "path", "image_path", "img")
_LABEL = (
    "class", "label", "name", "category", "class_name", "label_name", "labelname", "classname", "category_name",
    "species", "class_id", "classid", "category_id", "label_id", "target",
)  # fmt: skip
_EDGES = (
    ("xmin", "x_min", "x1", "left", "xtl", "bbox_x1", "roi.x1", "roi_x1"),
    ("ymin", "y_min", "y1", "top", "ytl", "bbox_y1", "roi.y1", "roi_y1"),
    ("xmax", "x_max", "x2", "right", "xbr", "bbox_x2", "roi.x2", "roi_x2"),
    ("ymax", "y_max", "y2", "bottom", "ybr", "bbox_y2", "roi.y2", "roi_y2"),
)
_CORNER = (("x", "bbox_x", "box_x", "x_left", *_EDGES[0]), ("y", "bbox_y", "box_y", "y_top", *_EDGES[1]))
_MIDDLE = (("x_center", "center_x", "x_centre", "xc", "cx"), ("y_center", "center_y", "y_centre", "yc", "cy"))
_SIDES = (
    ("w", "bbox_width", "bbox_w", "box_width", "box_w", "width"),
    ("h", "bbox_height", "bbox_h", "box_height", "box_h", "height"),
)
_MOST_REGIONS = 200_000  # rows of the VGG annotator's table, which hold JSON
_SPLIT = ("split", "subset", "set", "usage", "partition")


@dataclass(frozen=True)
class _Columns:
    """Where in a row the parts of a box stand."""

    image: int
    edges: tuple[int, ...]  # four, or one with a list of x, y, width, height
    kind: Kind  # what the last two and the first two of the four are
    label: int | None
    width: int | None = None
    height: int | None = None
    split: int | None = None


def read_box_tables(given: Given) -> Annotated | None:
    """What tables of boxes say; None where there is none."""
    pages: dict[tuple[str, str], tuple[Page, Drawing]] = {}
    tally = Tally()
    used: set[str] = set()
    finished: list[Page] = []
    layout: Layout = "box_csv"
    for table in read_tables(given):
        if {"filename", "region_shape_attributes", "region_attributes"} <= set(table.header):
            rows = [dict(zip(table.header, row, strict=False)) for row in islice(table.rows(), _MOST_REGIONS)]
            finished += read_via_rows(table.path, rows, given.task, tally)
            used.add(table.path)
            layout = "via"
        elif (found := _columns(table, given)) is not None:
            _take(table, *found, pages=pages, given=given, tally=tally)
            _tell_kind(table, found[0], given)
            used.add(table.path)
    finished += [drawing.onto(page) for page, drawing in pages.values()]
    if not finished:
        return None
    fix = "Add a row for it. If it shows no object, leave the corners empty."
    return assemble(Stated(layout, finished, used=used, what="row in a table", fix=fix, tally=tally), given)


def _columns(table: Table, given: Given) -> tuple[_Columns, Iterable[list[str]]] | None:
    """Where things stand, and the rows; None for a table of something else."""
    header = table.header
    label, split = column(header, *_LABEL), column(header, *_SPLIT)
    sides = column(header, "image_width", "img_width", "width"), column(header, "image_height", "img_height", "height")
    listed = column(header, "bbox", "box", "bounding_box")
    found = _edges(header)
    if found is None and listed is not None:
        found = (listed,), "sides"
    if found is not None:
        edges, kind = found
        image = column(header, *_IMAGE)
        image = _image_by_cells(table, given) if image is None else image
        width, height = (side if side not in edges else None for side in sides)
        if image is None:
            return None
        return _Columns(image, edges, kind, label, width, height, split), table.rows()
    if len(header) == 6 and names.is_image(header[0]) and all(_is_number(cell) or not cell for cell in header[1:5]):
        return _Columns(0, (1, 2, 3, 4), "corners", 5), chain([table.written], table.rows())
    return None


def _edges(header: list[str]) -> tuple[tuple[int, ...], Kind] | None:
    """The four columns of a box: two corners, a corner and the sides, or the middle and the sides."""
    kinds: tuple[tuple[tuple[tuple[str, ...], ...], Kind], ...] = (
        (_EDGES, "corners"),
        ((*_MIDDLE, *_SIDES), "middle"),
        ((*_CORNER, *_SIDES), "sides"),
    )
    for known, kind in kinds:
        found = [column(header, *each) for each in known]
        if all(at is not None for at in found):
            return tuple(at for at in found if at is not None), kind
    return None


def _image_by_cells(table: Table, given: Given) -> int | None:
    """The column whose first cell names a picture, as `patientId`."""
    first = next(iter(table.rows()), [])
    folder = table.path.rpartition("/")[0]
    return next((at for at, cell in enumerate(first) if cell.strip() and given.finder.find(cell, folder)), None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _take(
    table: Table,
    columns: _Columns,
    rows: Iterable[list[str]],
    *,
    pages: dict[tuple[str, str], tuple[Page, Drawing]],
    given: Given,
    tally: Tally,
) -> None:
    whole = names.split_of_words(names.stem(table.path))  # `train_labels.csv`
    for number, row in enumerate(rows, start=2):
        cells = dict(enumerate(cell.strip() for cell in row))
        called = cells.get(columns.image, "")
        if (table.path, called) not in pages and given.has_no_room(called, table.path, len(pages)):
            tally.lost += 1
            continue
        new = Page(table.path, called, split=whole, kind=columns.kind)
        page, drawing = pages.setdefault((table.path, called), (new, Drawing(given.task, tally)))
        if columns.split is not None:
            page.split = names.split_named(cells.get(columns.split, ""))
        if not any(cells.get(edge) for edge in columns.edges):
            continue
        try:
            _draw(cells, columns, page, drawing)
        except Unusable as unusable:
            fault = unusable.fault
            page.fault = Unusable(fault.code, f"{table.path} row {number}: {fault.message}", fault.fix)


def _draw(cells: dict[int, str], columns: _Columns, page: Page, drawing: Drawing) -> None:
    label = drawing.unlabelled() if columns.label is None else values.label(cells.get(columns.label, ""))
    page.size = page.size or _size(cells, columns)
    if len(columns.edges) == 1:
        x, y, width, height = _listed(cells[columns.edges[0]])
        drawing.box(label, (x, y, x + width, y + height))
        return
    x1, y1, x2, y2 = (values.number(cells.get(edge, ""), "a corner or side") for edge in columns.edges)
    if columns.kind == "middle":
        x1, y1 = x1 - x2 / 2, y1 - y2 / 2
    if columns.kind != "corners":
        x2, y2 = x1 + x2, y1 + y2
    drawing.box(label, (x1, y1, x2, y2))


def _tell_kind(table: Table, columns: _Columns, given: Given) -> None:
    """Say how columns of sides were read, for x and y may be a corner or the middle, and what may be predictions."""
    score = column(table.header, "score", "confidence", "conf", "probability", "prob")
    if score is not None:
        message = f"The column {table.written[score].strip()!r} was not used. Predictions are no labels."
        fix = f"Leave them out: `--ignore '{table.path}'`."
        given.findings.add("warning", "scores_unused", message, path=table.path, fix=fix)
    if columns.kind == "corners" or len(columns.edges) == 1:
        return
    called = ", ".join(table.written[edge].strip() for edge in columns.edges)
    what = "the upper left corner" if columns.kind == "sides" else "the middle"
    message = f"The columns {names.printable(called)[:100]} were read as {what} of each box, its width and its height."
    fix = "If that is wrong, name the columns xmin, ymin, xmax and ymax."
    given.findings.add("warning", "box_columns", message, path=table.path, fix=fix)


def _size(cells: dict[int, str], columns: _Columns) -> tuple[int, int] | None:
    if columns.width is None or columns.height is None:
        return None
    stated = cells.get(columns.height, ""), cells.get(columns.width, "")
    return values.size(*(float(each) if _is_number(each) else None for each in stated))


def _listed(text: str) -> list[float]:
    try:
        stated = json.loads(text.replace("(", "[").replace(")", "]"))
    except (ValueError, RecursionError):
        stated = text.replace(",", " ").split()
    if not isinstance(stated, list) or len(stated) != 4:
        raise Unusable("box_malformed", f"{text[:50]!r} is not four numbers.", "Give x, y, width and height.")
    return [values.number(each, "a part of a bbox") for each in stated]
