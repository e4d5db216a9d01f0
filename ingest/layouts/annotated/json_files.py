"""The JSON files of an archive, each read by the layout that it is of, which its content decides."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contract.results.ingested import Layout
from contract.tasks import TaskName
from ingest import names
from ingest.findings import Refused
from ingest.layouts.annotated import coco, createml, label_studio, labelme, supervisely, via, vott
from ingest.layouts.annotated.assembly import assemble
from ingest.layouts.annotated.layout import Annotated, Given
from ingest.layouts.annotated.pages import Page, Stated, Tally
from ingest.limits import Limits

_MANY_PARTS = 200_000
_LEAST_BYTES = 14  # for each list or object; `[12.5,34.5],` is the shortest that says something
_FIX = "Export it again as COCO JSON, with images, annotations and categories."


class _Reader(NamedTuple):
    layout: Layout
    fits: Callable[[str, object], bool]
    read: Callable[[str, Any, TaskName, Tally, Limits], list[Page]]


_READERS = (
    _Reader("labelme", labelme.is_labelme, labelme.read_labelme),
    _Reader("supervisely", supervisely.is_supervisely, supervisely.read_supervisely),
    _Reader("vott", vott.is_vott, vott.read_vott),
    _Reader("createml", createml.is_createml, createml.read_createml),
    _Reader("label_studio", label_studio.is_label_studio, label_studio.read_label_studio),
    _Reader("via", via.is_via, via.read_via),
)


@dataclass
class _Held:
    """What was found of one layout."""

    pages: list[Page] = field(default_factory=list)
    classes: dict[str, None] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    tally: Tally = field(default_factory=Tally)


@dataclass
class _Read:
    by_layout: dict[Layout, _Held] = field(default_factory=dict)
    broken: list[Refused] = field(default_factory=list)
    other: list[tuple[str, str]] = field(default_factory=list)  # COCO files of captions and the like


def read_json(given: Given) -> Annotated | None:
    """What the archive's JSON files say; None where none is of a known layout. Raises Refused."""
    files = {m.position: m.path for m in given.others if names.suffix(m.path) == "json"}
    read = _Read()
    for position, content in given.archive.read(files, limit=given.limits.annotations_bytes) if files else ():
        _take(files[position], content, read, given)
    found = {layout: held for layout, held in read.by_layout.items() if held.pages}
    if read.broken and (not found or "coco" in found):
        raise read.broken[0]
    for refusal in read.broken:
        given.findings.add("warning", refusal.code, refusal.message, fix="Export it again.")
    if not found:
        _refuse_other(read.other)
        return None
    _tell_other(read.other, given)
    layout = "coco" if "coco" in found else max(found, key=lambda name: len(found[name].pages))
    _tell_rivals(layout, found, given)
    return assemble(_stated(layout, found[layout]), given)


def _take(path: str, content: bytes, read: _Read, given: Given) -> None:
    parts = content.count(b"{") + content.count(b"[")
    if parts > _MANY_PARTS and len(content) < _LEAST_BYTES * parts:
        message = f"{path} holds {parts:,} nearly empty lists and objects."
        read.broken.append(Refused("annotations_unreadable", message, _FIX))
        return
    try:
        stated = json.loads(content)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else names.printable(str(error))[:200]
        why = "it holds several values, as lines of JSON do" if "Extra data" in why else why
        read.broken.append(Refused("annotations_unreadable", f"{path} is not JSON: {why}.", _FIX))
        return
    if isinstance(stated, dict) and "annotations" in stated and (kind := _not_instances(stated)):
        read.other.append((path, kind))
    elif coco.is_coco(stated):
        held = read.by_layout.setdefault("coco", _Held())
        held.pages += coco.read_coco_file(path, stated, given.task, held.tally, given.findings)
        held.classes |= dict.fromkeys(coco.class_order(path, stated))
        held.used.add(path)
    elif supervisely.is_meta(path, stated):
        held = read.by_layout.setdefault("supervisely", _Held())
        held.classes |= dict.fromkeys(supervisely.class_order(stated))
        held.used.add(path)
    elif reader := next((reader for reader in _READERS if reader.fits(path, stated)), None):
        held = read.by_layout.setdefault(reader.layout, _Held())
        held.pages += reader.read(path, stated, given.task, held.tally, given.limits)
        held.used.add(path)


def _not_instances(stated: dict[str, Any]) -> str | None:
    return coco.other_kind(stated) if isinstance(stated["annotations"], list) else None


def _stated(layout: Layout, held: _Held) -> Stated:
    if layout == "coco":
        # `instances` first: COCO's own archives describe the same images again as key points.
        held.pages.sort(key=lambda page: (not names.stem(page.path).startswith("instances"), page.path))
        what, fix = (
            "entry in the COCO files",
            "List it under `images`; without annotations, if nothing is to be seen in it.",
        )
    else:
        what, fix = f"{layout} annotation", "Annotate the image, or remove it."
    return Stated(layout, held.pages, list(held.classes) or None, used=held.used, what=what, fix=fix, tally=held.tally)


def _refuse_other(other: list[tuple[str, str]]) -> None:
    if other:
        path, kind = other[0]
        message = f"{path} is a COCO file of {kind}, not of instances: it has no boxes and no classes."
        raise Refused("annotations_of_other_kind", message, "Upload the file of instances (instances_*.json).")


def _tell_other(other: list[tuple[str, str]], given: Given) -> None:
    for path, kind in other:
        message = f"A COCO file of {kind}, which is not used."
        given.findings.add("info", "annotations_of_other_kind", message, path=path)


def _tell_rivals(layout: Layout, found: dict[Layout, _Held], given: Given) -> None:
    for other, held in found.items():
        if other != layout:
            message = f"{len(held.used)} files of the layout {other} were not used, for those of {layout} count."
            fix = f"Remove the {layout} files to use the {other} ones."
            given.findings.add("warning", "annotations_unused", message, path=min(held.used), fix=fix)
