"""Annotations of known formats that are not read: called by their names, with the way to one that is.

Judged by the beginning of one file of each suffix, once no reader has found anything.
"""

import re

from ingest import names
from ingest.findings import Refused
from ingest.layouts import unread_kinds
from ingest.layouts.annotated.layout import Given

_HEAD = 4_096
_COCO = "Export or convert it to COCO JSON, which {} offers."
_MASKS = "Save the masks as PNGs in masks/, named as the images, with class numbers as pixels."
_SCRIPT = "Convert it to COCO JSON: images, annotations with x, y, width and height, and categories."
_KNOWN: tuple[tuple[str, str, str], ...] = (
    (r'"data_row"\s*:', "Labelbox's export", _COCO.format("Labelbox's converter")),
    (r'"item"\s*:\s*\{.*"slots"|"dataset"\s*:.*"bounding_box"', "Darwin's JSON (V7)", _COCO.format("V7")),
    (r'"items"\s*:\s*\[.*"annotations"', "Datumaro's JSON", _COCO.format("`datum convert -f coco`")),
    (r'"categories"\s*:\s*\{\s*"label"', "Datumaro's JSON", _COCO.format("`datum convert -f coco`")),
    (r'"box2d"\s*:', "BDD100K's JSON", _COCO.format("`bdd100k.label.to_coco`")),
    (r'"class"\s*:\s*"image"', "sloth's JSON", _SCRIPT),
    (r'"lanes"\s*:\s*\[', "TuSimple's lanes", _SCRIPT),
    (r"(?i)^[^\n]*(encodedpixels|rle)", "a table of run lengths", _MASKS),
    (r"\A(-?\d+(\.\d+)?,){6,9}-?\d+(\.\d+)?\s*\n", "MOT's or VisDrone's list of boxes", _SCRIPT),
    (r"\A\S+\.(jpe?g|png)\s*\n\d+\s*\n(\d+ ){4,}", "WIDER FACE's list of boxes", _SCRIPT),
    (r"\A(imagesource|gsd)\s*:|\A(-?\d+(\.\d+)? ){8}\S+ \d", "DOTA's rotated boxes", _SCRIPT),
    (r"\A\d+( \d+(\.\d+)?){4}\s*\n", "CUB-200's list of boxes by number", _SCRIPT),
)  # fmt: skip


def refusal(given: Given) -> Refused | None:
    """What an archive holds instead of annotations that are read; None where nothing is known of it."""
    what = "masks" if given.task == "segmentation" else "boxes"
    start = f"No {what} were found for the images of the archive."
    firsts: dict[str, tuple[int, str]] = {}
    for member in given.others:
        firsts.setdefault(names.suffix(member.path), (member.position, member.path))
    files = {
        position: path for suffix, (position, path) in firsts.items() if suffix in {"json", "ndjson", "txt", "csv"}
    }
    for position, content in given.archive.read(files, limit=given.limits.annotations_bytes) if files else ():
        head = content[:_HEAD].decode("utf-8-sig", "replace")
        for pattern, called, fix in _KNOWN:
            if re.search(pattern, head, re.DOTALL if pattern.startswith('"') else 0):
                message = f"{start} {files[position]!r} looks like {called}, which is not read."
                return Refused("no_annotations", message, fix)
    fix = _MASKS if given.task == "segmentation" else _SCRIPT
    return unread_kinds.refusal(given.others, start, "no_annotations", fix)
