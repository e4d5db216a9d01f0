"""Open Images' labels: `ImageID,Source,LabelName,Confidence`; `class-descriptions.csv` puts the codes in words."""

from collections.abc import Iterator

from ingest import names
from ingest.layouts.sheets import Sheet
from ingest.layouts.stated import Row, Stated


def read_open_images(sheet: Sheet) -> Stated | None:
    """Labels, as codes, that people or machines confirmed; those of Confidence 0 say what the image does not show."""
    header = sheet.header
    if not {"imageid", "labelname"} <= set(header) or "xmin" in header:
        return None
    return Stated(sheet.path, "open_images", _rows(sheet))


def read_words(sheet: Sheet) -> dict[str, str]:
    """Code -> name, out of a table that holds such pairs only; else empty."""
    if len(sheet.header) != 2 or not any(_is_code(row) for row in sheet.probed[:2]):
        return {}
    return {row[0].strip(): name for row in sheet.rows() if _is_code(row) and (name := names.class_name(row[1]))}


def _is_code(row: list[str]) -> bool:
    return len(row) == 2 and row[0].strip().startswith(("/m/", "/g/"))


def _rows(sheet: Sheet) -> Iterator[Row]:
    at = {name: sheet.header.index(name) for name in ("imageid", "labelname")}
    confidence = sheet.header.index("confidence") if "confidence" in sheet.header else None
    split = names.split_of_file(sheet.path)
    for number, row in enumerate(sheet.rows(1), start=1):
        if max(at.values()) >= len(row):
            continue
        if confidence is not None and confidence < len(row) and row[confidence].strip() in {"0", "0.0"}:
            continue
        label = names.class_name(row[at["labelname"]])
        yield Row(number, row[at["imageid"]], (label,) if label else (), split)
