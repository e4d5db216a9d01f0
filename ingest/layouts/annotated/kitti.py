"""KITTI: a text file for each image, a line of 15 values for each object, its box in pixels at 5 to 8.

`DontCare` marks regions without labels, not objects; it is left out and that is said.
"""

from dataclasses import replace

from ingest import names
from ingest.archives.members import Member
from ingest.layouts.annotated import values
from ingest.layouts.annotated.assembly import assemble
from ingest.layouts.annotated.layout import Annotated, Given
from ingest.layouts.annotated.pages import Drawing, Page, Stated, Tally
from ingest.layouts.annotated.pairing import pair
from ingest.notes import Unusable

_LENGTHS = {15, 16}  # the last of 16 is a score
_NO_CLASS = "DontCare"
_LOOKED_AT = 16  # files


def read_kitti(given: Given) -> Annotated | None:
    """What such files say; None where there are none."""
    texts = [m for m in given.others if names.suffix(m.path) == "txt"]
    pairs = pair(given.images, texts)
    by_position = {member.position: member for member in given.images}
    owners = {file.position: (by_position[at], file) for at, file in pairs.found.items()}
    if not owners or not _is_kitti(given, owners):
        return None
    tally = Tally()
    pages = [
        _page(*owners[position], content, given, tally)
        for position, content in given.archive.read(owners, limit=given.limits.annotation_bytes)
    ]
    used = {page.path for page in pages}
    fix = "Add its text file; leave it empty if the image shows no object."
    return assemble(Stated("kitti", pages, used=used, what="text file", fix=fix, tally=tally), replace(given))


def _is_kitti(given: Given, owners: dict[int, tuple[Member, Member]]) -> bool:
    some = sorted(owners)[:: max(1, len(owners) // _LOOKED_AT)]
    lines = [
        line
        for _, content in given.archive.read(some, limit=given.limits.annotation_bytes)
        for line in content.decode("utf-8-sig", "replace").splitlines()[:4]
        if line.strip()
    ]
    return bool(lines) and all(len(line.split()) in _LENGTHS and not line.split()[0][0].isdigit() for line in lines)


def _page(member: Member, file: Member, content: bytes, given: Given, tally: Tally) -> Page:
    page = Page(file.path, member.path, member=member)
    drawing = Drawing(given.task, tally)
    try:
        for number, line in enumerate(content.decode("utf-8-sig", "replace").splitlines(), start=1):
            if words := line.split():
                _draw(words, f"{file.path} line {number}", drawing)
    except Unusable as unusable:
        page.fault = unusable.bare()
    return drawing.onto(page)


def _draw(words: list[str], where: str, drawing: Drawing) -> None:
    if len(words) not in _LENGTHS:
        message = f"{where} has {len(words)} values; KITTI's labels have 15."
        raise Unusable("box_malformed", message, "Correct the line.")
    if words[0] == _NO_CLASS:
        drawing.unused(_NO_CLASS)
        return
    x1, y1, x2, y2 = (values.number(word, f"a corner at {where}") for word in words[4:8])
    drawing.box(values.label(words[0]), (x1, y1, x2, y2))
