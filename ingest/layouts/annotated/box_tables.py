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
from ingest.layouts.annotated import values
from ingest.layouts.annotated.assembly import assemble
from ingest.layouts.annotated.csv_files import Table, column, read_tables
from ingest.layouts.annotated.layout import Annotated, Given
from ingest.layouts.annotated.pages import Drawing, Page, Stated, Tally
from ingest.layouts.annotated.via import read_via_rows
from ingest.notes import Unusable

_IMAGE = ("filename", "file_name", "image", "image_name", "image_id", "imageid", "file", "path", "image_path", "img")
_LABEL = ("class", "label", "name", "category", "class_name", "label_name", "labelname", "classname")
_EDGES = (
    ("xmin", "x_min", "x1", "left", "xtl", "bbox_x1"),
    ("ymin", "y_min", "y1", "top", "ytl", "bbox_y1"),
    ("xmax", "x_max", "x2", "right", "xbr", "bbox_x2"),
    ("ymax", "y_max", "y2", "bottom", "ybr", "bbox_y2"),
)
_MOST_REGIONS = 200_000  # rows of the VGG annotator's table, which hold JSON
_SPLIT = ("split", "subset", "set", "usage", "partition")


@dataclass(frozen=True)
class _Columns:
    """Where in a row the parts of a box stand."""

    image: int
    edges: tuple[int, ...]  # four, or one with a list of x, y, width, height
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
        elif (found := _columns(table)) is not None:
            _take(table, *found, pages=pages, given=given, tally=tally)
            used.add(table.path)
    finished += [drawing.onto(page) for page, drawing in pages.values()]
    if not finished:
        return None
    fix = "Add a row for it; with empty corners, if nothing is to be seen in it."
    return assemble(Stated(layout, finished, used=used, what="row in a table", fix=fix, tally=tally), given)


def _columns(table: Table) -> tuple[_Columns, Iterable[list[str]]] | None:
    """Where things stand, and the rows; None for a table of something else."""
    header = table.header
    image, label = column(header, *_IMAGE), column(header, *_LABEL)
    sides = column(header, "width", "image_width", "img_width"), column(header, "height", "image_height", "img_height")
    split = column(header, *_SPLIT)
    edges = [column(header, *known) for known in _EDGES]
    if image is not None and all(edge is not None for edge in edges):
        return _Columns(image, tuple(e for e in edges if e is not None), label, *sides, split), table.rows()
    listed = column(header, "bbox", "box", "bounding_box")
    if image is not None and listed is not None:
        return _Columns(image, (listed,), label, *sides, split), table.rows()
    if len(header) == 6 and names.is_image(header[0]) and all(_is_number(cell) or not cell for cell in header[1:5]):
        return _Columns(0, (1, 2, 3, 4), 5), chain([table.written], table.rows())
    return None


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
        new = Page(table.path, called, split=whole)
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
    x1, y1, x2, y2 = (values.number(cells.get(edge, ""), "a corner") for edge in columns.edges)
    drawing.box(label, (x1, y1, x2, y2))


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
