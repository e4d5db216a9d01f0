"""Every file of an archive that could say something of its images, read by the layout that its content is of."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ingest import names
from ingest.archives.members import Archive, Member
from ingest.findings import Findings
from ingest.layouts import json_labels, lists, metadata_jsonl, one_hot, open_images, tables
from ingest.layouts.finder import Finder
from ingest.layouts.lists import SplitList
from ingest.layouts.sheets import Sheet, sheet_of, text_of
from ingest.layouts.stated import Stated
from ingest.limits import Limits

_TABLES = frozenset({"csv", "tsv"})
_TEXTS = frozenset({"txt", "lst", "jsonl", "ndjson", "json"})
_MOST_TEXTS = 500  # beyond, they are one for each image


@dataclass
class Evidence:
    stated: list[Stated] = field(default_factory=list)
    split_lists: list[SplitList] = field(default_factory=list)
    unused: dict[str, str] = field(default_factory=dict)  # path -> why
    used: set[str] = field(default_factory=set)
    boxes: list[str] = field(default_factory=list)  # files that hold boxes or masks

    def of(self, path: str) -> list[Stated]:
        return [stated for stated in self.stated if stated.path == path]


def gather(
    archive: Archive,
    others: list[Member],
    images: list[Member],
    finder: Finder,
    *,
    column: tuple[str, str] | None,
    limits: Limits,
    findings: Findings,
) -> Evidence:
    """All that speaks of the images. `column`: a table and the label column that the person chose in it."""
    found = Evidence()
    words: dict[str, str] = {}
    coded: list[Sheet] = []
    for path, content in _contents(archive, others, images, limits):
        if names.suffix(path) in _TABLES:
            sheet = sheet_of(path, content, limits=limits, findings=findings)
            if described := open_images.read_words(sheet):
                words |= described
                found.used.add(path)
            elif "labelname" in sheet.header and "imageid" in sheet.header:
                coded.append(sheet)
            else:
                _read_sheet(sheet, finder, column[1] if column and column[0] == path else None, found)
        else:
            _read_text(path, text_of(path, content, Findings()), finder, found)
    for sheet in coded:
        stated = open_images.read_open_images(sheet, words)
        if stated is None:
            found.boxes.append(sheet.path)
        else:
            found.stated.append(stated)
    return found


def _contents(
    archive: Archive, others: list[Member], images: list[Member], limits: Limits
) -> Iterator[tuple[str, bytes]]:
    stems = {member.path.rpartition(".")[0] for member in images}
    last = {stem.rsplit("/", 1)[-1] for stem in stems}
    wanted = {}
    texts = 0
    for member in others:
        suffix = names.suffix(member.path)
        beside = suffix in {"txt", "json"} and names.stem(member.path) in last
        if suffix in _TABLES:
            wanted[member.position] = member.path
        elif suffix in _TEXTS and not beside and "imagesets" not in member.path.lower().split("/"):
            texts += 1
            if texts <= _MOST_TEXTS:
                wanted[member.position] = member.path
    if wanted:
        for position, content in archive.read(wanted, limit=limits.table_bytes):
            yield wanted[position], content


def _read_sheet(sheet: Sheet, finder: Finder, column: str | None, found: Evidence) -> None:
    if "submission" in sheet.path.lower():
        found.unused[sheet.path] = "a form for submissions, whose labels are placeholders"
        return
    if tables.BOX_COLUMNS & set(sheet.header):
        found.boxes.append(sheet.path)
        return
    stated = (None if column else one_hot.read_one_hot(sheet)) or tables.read_table(sheet, finder, column)
    if stated is not None:
        found.stated.append(stated)
    elif tables.looks_like_labels(sheet):
        found.unused[sheet.path] = f"it names image files, but no column of its header is known: {sheet.header[:8]}"
    else:
        found.unused[sheet.path] = "its columns name no images and labels"


def _read_text(path: str, text: str, finder: Finder, found: Evidence) -> None:
    suffix = names.suffix(path)
    if suffix in {"jsonl", "ndjson"}:
        stated = metadata_jsonl.read_jsonl(path, text)
        if stated is None and '"objects"' in text[:10_000]:
            found.boxes.append(path)
            return
    elif suffix == "json":
        if json_labels.holds_boxes(text):
            found.boxes.append(path)
            return
        stated = json_labels.read_json(path, text, finder)
    else:
        stated = lists.read_list(path, text, finder)
        listed = None if stated else lists.read_split_list(path, text, finder)
        if listed is not None:
            found.split_lists.append(listed)
            return
    if stated is not None:
        found.stated.append(stated)
