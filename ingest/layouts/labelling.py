"""Which class each image has, where tables, lists, folders and file names may all say so: who decides, who is told.

Tables and folders that agree complete each other. Where they contradict each other the report names both readings, and
where neither clearly covers the images the archive is refused until a person chooses with `labels_from`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from contract.results.ingested import Layout
from contract.specs.reading import ReadingSpec
from ingest import names
from ingest.archives.members import Archive, Member
from ingest.findings import Findings, Refused
from ingest.layouts import file_names, hints, spellings
from ingest.layouts import folders as by_folder
from ingest.layouts.evidence import Evidence, Gathering
from ingest.layouts.file_names import NameReading, read_file_names
from ingest.layouts.folders import FolderReading, Labelled, read_folders, shown
from ingest.layouts.split_lists import apply_lists
from ingest.layouts.stated import Claim, fits
from ingest.layouts.words import put as put_in_words
from ingest.limits import Limits

LAYOUT_OF_NAMES: Layout = "file_names"
_SAME_WORDS = 0.8  # of the images that both speak of
_ENOUGH, _FEW = 0.95, 0.5  # of the images that folders speak of


@dataclass(frozen=True)
class Labelling:
    layout: Layout
    labelled: list[Labelled]
    used: set[str] = field(default_factory=set)  # files that spoke, or were told of


def label_images(
    archive: Archive,
    others: list[Member],
    images: list[Member],
    *,
    masks: int,
    asked: ReadingSpec,
    limits: Limits,
    findings: Findings,
) -> Labelling:
    """The class of every image that has one. `masks`: how many pictures were left aside as such.

    Raises Refused where there are no classes, or a person has to choose.
    """
    folders = read_folders(images, asked)
    evidence = Gathering(images, folders, asked, limits, findings).gather(archive, others)
    claim = evidence.claim
    _require_chosen(evidence, asked)
    claim.refuse_several()
    named = read_file_names(images, folders.splits)
    other_evidence = partial(hints.other_evidence, folders, evidence, others, images, masks)
    if _names_count(named, folders, claim, asked, other_evidence):
        file_names.tell(named, asked, findings)
        labelled, layout = dict(named.labelled), LAYOUT_OF_NAMES
    else:
        labelled, layout = _decide(claim, folders, images, asked=asked, kinds=evidence.layouts, findings=findings)
        file_names.tell_unheard(named, labelled, findings)
    guessed = layout == "image_folder" and asked.labels_from == "auto" and asked.classes_at is None
    if len({entry.label for entry in labelled.values()}) < 2 or (guessed and not folders.plausible):
        hints.refuse_one_class(folders, named, other_evidence())
    labelled = put_in_words(labelled, evidence.known, findings)
    labelled = file_names.as_words(named, labelled, findings)
    labelled = apply_lists(evidence.split_lists, labelled, findings)
    labelled = spellings.as_one(labelled, asked.map, findings)
    _without_class(images, labelled, asked)
    used = _tell_files(evidence, findings)
    hints.tell_other_task(evidence, others, images, findings)
    return Labelling(layout, list(labelled.values()), used)


def _without_class(images: list[Member], labelled: dict[int, Labelled], asked: ReadingSpec) -> None:
    """Raises Refused for images without a class, where that was asked."""
    if asked.unlabelled == "background":
        message = "`unlabelled`: an image without a class cannot be background in classification."
        raise Refused("option_without_effect", message, "Pass `--unlabelled skip`, or label the images.")
    missing = [member for member in images if member.position not in labelled]
    if asked.unlabelled == "refuse" and missing:
        message = f"{len(missing)} images have no class, as {missing[0].path!r}."
        raise Refused("unlabelled", message, "Label them, or pass `--unlabelled skip`.")


def _names_count(
    named: NameReading,
    folders: FolderReading,
    claim: Claim,
    asked: ReadingSpec,
    other_evidence: Callable[[], Refused | None],
) -> bool:
    """Whether the file names are the labels: where the person says so, or where they alone can be."""
    if asked.labels_from != "auto" or asked.classes_at is not None:
        return asked.labels_from == file_names.ASKED
    alone = not claim.labelled and not folders.plausible
    return alone and named.clear and other_evidence() is None


def _require_chosen(evidence: Evidence, asked: ReadingSpec) -> None:
    """Raises Refused where the table that the person names says nothing of the images."""
    path = asked.labels_from.partition(":")[0]
    if path in {"auto", "folders", file_names.ASKED} or evidence.claim.labelled:
        return
    if any(fits(known, path) for known in evidence.layouts):
        message = f"`labels_from`: no row of {path!r} names an image of the archive."
        raise Refused("option_without_effect", message, "Correct the paths in it.")
    others = ", ".join(list(evidence.layouts)[:5]) or "none"
    message = f"`labels_from`: {path!r} is no file of the archive that names images and classes."
    raise Refused("option_without_effect", message, f"Files that do: {others}.")


def _decide(
    claim: Claim,
    folders: FolderReading,
    images: list[Member],
    *,
    asked: ReadingSpec,
    kinds: dict[str, Layout],
    findings: Findings,
) -> tuple[dict[int, Labelled], Layout]:
    """Who is heard: whom the person names, else whoever speaks alone, else both, or the one that knows enough."""
    if asked.labels_from != "auto" and claim.labelled:
        return _by_table(claim, folders, images, strict=False, findings=findings), _layout(claim, kinds)
    if not claim.labelled or asked.classes_at is not None:
        if claim.labelled:
            _tell_unheard(claim, folders, findings)
        return _by_folders(folders, findings)
    strict = asked.unlabelled != "skip"
    if not folders.plausible:
        return _by_table(claim, folders, images, strict=strict, findings=findings), _layout(claim, kinds)
    if _agree(claim, folders, findings):
        return _together(claim, folders, findings), _layout(claim, kinds)
    return _one_of(claim, folders, images, strict=strict, kinds=kinds, findings=findings)


def _agree(claim: Claim, folders: FolderReading, findings: Findings) -> bool:
    """Whether both speak of the same classes. Says where they contradict each other over single images."""
    both = claim.labelled.keys() & folders.labelled.keys()
    same = sum(claim.labelled[at].label.casefold() == folders.labelled[at].label.casefold() for at in both)
    if not both:
        return {entry.label for entry in claim.labelled.values()} <= folders.names
    if same < _SAME_WORDS * len(both):
        return False
    _tell_contradictions(claim, folders, both, findings)
    return True


def _one_of(
    claim: Claim,
    folders: FolderReading,
    images: list[Member],
    *,
    strict: bool,
    kinds: dict[str, Layout],
    findings: Findings,
) -> tuple[dict[int, Labelled], Layout]:
    """They speak of different classes. Raises Refused where neither covers clearly more."""
    both = claim.labelled.keys() & folders.labelled.keys()
    stated = shown({entry.label for entry in claim.labelled.values()})
    if len(both) >= _ENOUGH * len(folders.labelled):
        message = (
            f"{_tables(claim)} gives the classes {stated}, the folders {shown(folders.names)}; the table was read, "
            f"which names {len(both)} of {len(folders.labelled)} images."
        )
        findings.add("warning", "two_readings", message, fix="For the other reading, pass `--labels-from folders`.")
        return _by_table(claim, folders, images, strict=strict, findings=findings), _layout(claim, kinds)
    if len(claim.labelled) >= _FEW * len(folders.labelled):
        message = (
            f"{_tables(claim)} gives {len(claim.labelled)} images the classes {stated}, the folders give "
            f"{len(folders.labelled)} images the classes {shown(folders.names)}; both cannot be right."
        )
        fix = f"Pass `--labels-from folders` or `--labels-from '{next(iter(claim.origin.values()))}'`."
        raise Refused("labels_unclear", message, fix)
    _tell_unheard(claim, folders, findings)
    return _by_folders(folders, findings)


def _by_folders(folders: FolderReading, findings: Findings) -> tuple[dict[int, Labelled], Layout]:
    by_folder.tell(folders, findings)
    return dict(folders.labelled), "image_folder"


def _by_table(
    claim: Claim, folders: FolderReading, images: list[Member], *, strict: bool, findings: Findings
) -> dict[int, Labelled]:
    """The table's labels. `strict`: an image that it forgets counts as bad, unless nothing around it is named."""
    claim.tell(findings)
    spoken = {member.path.rpartition("/")[0] for member in images if member.position in claim.labelled}
    for member in images:
        if member.position in claim.labelled or member.position in claim.several:
            continue
        if (listed := claim.unlabelled.get(member.position)) is not None:
            message = f"{listed} lists it without a class."
            findings.leave_out(member.path, "unlabelled_split", message, fix="Add its class to use it.")
            continue
        message = "No table names a class for the image."
        if strict and (folders.plausible or member.path.rpartition("/")[0] in spoken):
            fix = "Add rows for them, or pass `--unlabelled skip` to leave out images that no table names."
            findings.reject(member.path, "image_without_class", message, fix=fix)
        else:
            findings.leave_out(
                member.path, "image_without_class", message, fix="Add a row for it, or remove the image."
            )
    return {at: _split_by_folder(entry, folders) for at, entry in claim.labelled.items()}


def _split_by_folder(entry: Labelled, folders: FolderReading) -> Labelled:
    if entry.split is not None:
        return entry
    return entry._replace(split=folders.splits.of(tuple(entry.member.path.split("/")[:-1])))


def _together(claim: Claim, folders: FolderReading, findings: Findings) -> dict[int, Labelled]:
    """Both agree: the folders' spelling, the table's splits, and the images of either."""
    claim.tell(findings)
    found = dict(folders.labelled)
    spelling = {name.casefold(): name for name in folders.names}
    for at, entry in claim.labelled.items():
        label = spelling.get(entry.label.casefold(), entry.label)
        found[at] = _split_by_folder(entry._replace(label=label), folders)
    beside = [member for member, _, _ in folders.left_out if member.position in claim.labelled]
    if beside:
        message = f"{len(beside)} images outside of the class folders were taken, because a table names their classes."
        fix = "Pass `--ignore` with their folder to leave them out."
        findings.add("warning", "outside_by_table", message, path=beside[0].path, fix=fix)
    for member, code, message in folders.left_out:
        if member.position not in found and member.position not in claim.several:
            findings.leave_out(member.path, code, message)
    return {at: entry for at, entry in found.items() if at not in claim.several}


def _tell_contradictions(claim: Claim, folders: FolderReading, both: set[int], findings: Findings) -> None:
    for at in both:
        stated, folder = claim.labelled[at], folders.labelled[at]
        if stated.label.casefold() != folder.label.casefold():
            message = f"{claim.origin[at]} calls it {stated.label!r}, its folder {folder.label!r}; the table was used."
            fix = "Correct one of them, or pass `--labels-from folders`."
            findings.add("warning", "conflicting_labels", message, path=stated.member.path, fix=fix)


def _tell_unheard(claim: Claim, folders: FolderReading, findings: Findings) -> None:
    tables = sorted(set(claim.origin.values()))
    table_names = {entry.label for entry in claim.labelled.values()}
    message = (
        f"It names classes ({shown(table_names)}) for {len(claim.labelled)} images; the folders name "
        f"{len(folders.labelled)} and count."
    )
    for table in tables:
        fix = f"If it is right, pass `--labels-from '{table}'`."
        findings.add("warning", "table_ignored", message, path=table, fix=fix)


def _tell_files(evidence: Evidence, findings: Findings) -> set[str]:
    """Tables that nothing came of, and columns that were chosen among several; gives all files that were told of."""
    claim = evidence.claim
    for path in evidence.layouts:
        rows = claim.rows.get(path, 0)
        if path in claim.heard:
            if columns := evidence.columns.get(path):
                fix = f"For another column, pass `--labels-from '{path}:COLUMN'`."
                findings.add("warning", "two_readings", columns, path=path, fix=fix)
            if unread := evidence.unread.get(path):
                shown_columns = ", ".join(map(names.printable, unread[:8])) + (" and more" if len(unread) > 8 else "")
                message = f"Not used of it: {shown_columns}."
                findings.add("info", "columns_unused", message, path=path)
        elif rows:
            missing = claim.missing.get(path, 0)
            message = f"{missing} of its {rows} rows name no image of the archive; it was not used."
            if not missing:
                message = f"None of its {rows} rows names a class; it was not used."
            fix = "Correct the paths in it, or pass `--ignore` with its name if you do not need it."
            findings.ignored += 1
            findings.add("warning", "table_ignored", message, path=path, fix=fix)
        else:
            findings.ignore(path, "table_ignored", "It was not read: another source of labels was asked for.")
    for path, why in evidence.unused.items():
        findings.ignored += 1
        findings.add("warning" if path in evidence.unmatched else "info", "table_ignored", why, path=path)
    lists = {listed.path for listed in evidence.split_lists}
    return set(evidence.layouts) | set(evidence.unused) | evidence.used | lists


def _layout(claim: Claim, kinds: dict[str, Layout]) -> Layout:
    return kinds[next(iter(claim.origin.values()))]


def _tables(claim: Claim) -> str:
    tables = sorted(set(claim.origin.values()))
    return tables[0] if len(tables) == 1 else f"{tables[0]} and {len(tables) - 1} more"
