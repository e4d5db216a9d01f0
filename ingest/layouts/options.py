"""What a person asked of the reading, held against what a layout can do: nothing that was asked is ignored."""

from collections import Counter
from fnmatch import fnmatchcase

from contract.specs.reading import ReadingSpec
from ingest.archives.members import Member
from ingest.findings import Findings, Refused

OF_MEMBERS = frozenset({"ignore"})  # done before a layout is looked for
OF_ARRAYS = frozenset({"map", "drop"})
OF_COLUMNS = OF_ARRAYS | {"labels_from"}
OF_LABELS = frozenset({"classes_at", "labels_from", "map", "drop", "unlabelled"})


def require(asked: ReadingSpec, honoured: frozenset[str], layout: str) -> None:
    """Raises Refused where a field was given that the layout makes no use of."""
    if beyond := asked.beyond(honoured):
        message = f"`reading.{beyond[0]}` has no effect on {layout}."
        raise Refused("option_without_effect", message, f"Leave `{beyond[0]}` out, or upload another layout.")


def kept(members: list[Member], asked: ReadingSpec, findings: Findings) -> list[Member]:
    """The members that no glob of `ignore` leaves out. Raises Refused for a glob that fits nothing."""
    hits: Counter[str] = Counter()
    found = []
    for member in members:
        glob = next((glob for glob in asked.ignore if fits(member.path, glob)), None)
        if glob is None:
            found.append(member)
        else:
            hits[glob] += 1
    for glob in asked.ignore:
        if not hits[glob]:
            raise Refused(
                "option_without_effect", f"`ignore` {glob!r} fits no file of the archive.", "Correct the glob."
            )
        findings.ignored += hits[glob]
        findings.add("info", "ignored_as_asked", f"{hits[glob]} files fit {glob!r} and were left out, as asked.")
    return found


def fits(path: str, glob: str) -> bool:
    """Whether a glob names a file or a folder above it."""
    glob = glob.strip("/")
    return fnmatchcase(path, glob) or fnmatchcase(path, f"{glob}/*")
