"""Open Images: tables of boxes in shares of the image, by image id, and the names of classes in a table of their own.

Boxes around groups are no boxes of one object and are left out; that is said.
"""

from itertools import islice

from ingest import names
from ingest.layouts.annotated import values
from ingest.layouts.annotated.assembly import assemble
from ingest.layouts.annotated.csv_files import Table, column, read_tables
from ingest.layouts.annotated.layout import Annotated, Given
from ingest.layouts.annotated.pages import Drawing, Page, Stated, Tally
from ingest.notes import Unusable

_MOST_TITLES = 50_000
_NEEDED = {"imageid", "labelname", "xmin", "xmax", "ymin", "ymax"}


def read_open_images(given: Given) -> Annotated | None:
    """What its tables say; None where there is none."""
    titles: dict[str, str] = {}
    tables: list[Table] = []
    used: set[str] = set()
    for table in read_tables(given):
        if set(table.header) >= _NEEDED:
            tables.append(table)
            used.add(table.path)
        elif described := _titles(table):
            titles |= described
            used.add(table.path)
    if not tables:
        return None
    tally = Tally()
    pages: dict[tuple[str, str], tuple[Page, Drawing]] = {}
    for table in tables:
        _take(table, titles, pages, given, tally)
    finished = [drawing.onto(page) for page, drawing in pages.values()]
    fix = "Add a row for it, or remove the image."
    return assemble(Stated("open_images", finished, used=used, what="row in a table", fix=fix, tally=tally), given)


def _titles(table: Table) -> dict[str, str]:
    """`/m/011k07,Tortoise`: with or without a header."""
    if len(table.written) != 2:
        return {}
    rows = [table.written, *islice(table.rows(), _MOST_TITLES)]
    pairs = [row[:2] for row in rows if len(row) >= 2 and row[0].startswith("/")]
    if len(pairs) < len(rows) - 1 or not pairs:
        return {}
    return {code: title for code, text in pairs if (title := names.class_name(text))}


def _take(
    table: Table, titles: dict[str, str], pages: dict[tuple[str, str], tuple[Page, Drawing]], given: Given, tally: Tally
) -> None:
    at = {name: column(table.header, name) for name in (*_NEEDED, "isgroupof")}
    split = names.split_of_words(names.stem(table.path))
    for row in table.rows():
        cells = {name: row[place].strip() for name, place in at.items() if place is not None and place < len(row)}
        called = cells.get("imageid", "")
        if (table.path, called) not in pages and given.has_no_room(called, table.path, len(pages)):
            tally.lost += 1
            continue
        new = Page(table.path, called, relative=True, split=split)
        page, drawing = pages.setdefault((table.path, called), (new, Drawing(given.task, tally)))
        if cells.get("isgroupof") == "1":
            drawing.unused("group")
            continue
        try:
            x1, y1, x2, y2 = (values.number(cells.get(edge), edge) for edge in ("xmin", "ymin", "xmax", "ymax"))
            code = cells.get("labelname", "")
            drawing.box(values.label(titles.get(code, code)), (x1, y1, x2, y2))
        except Unusable as unusable:
            page.fault = unusable.bare()
