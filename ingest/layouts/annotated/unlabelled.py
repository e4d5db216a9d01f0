"""What becomes of pictures that no annotation speaks of."""

from collections.abc import Callable

from contract.pack.manifest import Split
from ingest import names
from ingest.archives.members import Member
from ingest.findings import Refused
from ingest.layouts.annotated.layout import Entry, Given
from ingest.marks import Annotation

_FEW = 0.5  # of all pictures: so many may stand beside the set
_OR_ASK = "Or say what such images are: --unlabelled skip, or --unlabelled background."


def settle_unlabelled(
    given: Given,
    images: list[Member],
    taken: set[int],
    *,
    what: str,
    fix: str,
    empty: Callable[[], Annotation],
    split: Callable[[Member], Split | None] = lambda member: names.split_in(member.path),
) -> list[Entry]:
    """Entries for images whose position is not in `taken`, if they are to count as showing nothing. Raises Refused."""
    rest = [member for member in images if member.position not in taken]
    asked, findings = given.asked.unlabelled, given.findings
    if not rest:
        return []
    if asked == "refuse":
        message = f"{len(rest)} images have no {what}, the first is {rest[0].path!r}."
        raise Refused("annotation_missing", message, "Annotate them, or remove them.")
    if asked == "background":
        message = f"{len(rest)} images have no {what} and are taken to show no object, as asked."
        findings.add("info", "unlabelled_as_background", message, path=rest[0].path)
        return [Entry(member, split(member), empty()) for member in rest]
    if asked == "skip":
        _leave_out(given, rest, f"have no {what} and were left out, as asked", severity="info")
        return []
    beside = _beside(images, rest, taken)
    if beside and len(beside) <= _FEW * len(images):
        text = f"lie in folders where no image has a {what}; they were taken for no part of the set and left out"
        _leave_out(given, beside, text, severity="warning")
        left = {member.position for member in beside}
        rest = [member for member in rest if member.position not in left]
    for member in rest:
        findings.reject(member.path, "annotation_missing", f"The image has no {what}.", fix=f"{fix} {_OR_ASK}")
    return []


def _beside(images: list[Member], rest: list[Member], taken: set[int]) -> list[Member]:
    """Images in folders of which no image is annotated."""
    folders = {member.path.rpartition("/")[0] for member in images if member.position in taken}
    return [member for member in rest if member.path.rpartition("/")[0] not in folders]


def _leave_out(given: Given, members: list[Member], text: str, *, severity: str) -> None:
    folders = sorted({member.path.rpartition("/")[0] or "the top folder" for member in members})
    message = f"{len(members)} images in {', '.join(folders[:3])} {text}."
    fix = None if severity == "info" else f"Annotate them, or remove them. {_OR_ASK}"
    given.findings.skipped += len(members)
    given.findings.add(severity, "images_beside_the_set", message, path=members[0].path, fix=fix)  # type: ignore[arg-type]
