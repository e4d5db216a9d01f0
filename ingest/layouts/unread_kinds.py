"""Files of known kinds that are not read: what they are called, and what a person can do instead.

By their names alone, so that nothing of a stranger is opened that could run code.
"""

import re

from ingest.archives.members import Member
from ingest.findings import Findings, Refused

_ARRAYS = "Save images and labels as arrays in one .npz file: `numpy.savez('set.npz', images=images, labels=labels)`."
_TABLE = "Save the labels as a CSV of `filename,label`."
_EXPORT = "Export the set as images, with the program that wrote it."
_UNPACK = "Unpack it, and push the folder."
_KINDS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r".*\.(pkl|pickle)|data_batch(_\d+)?|test_batch|batches\.meta"), "a pickle of Python", _ARRAYS),
    (re.compile(r"train|test|meta"), "a pickle of Python", _ARRAYS),
    (re.compile(r".*-ubyte(\.gz)?|.*\.idx\d?"), "an IDX file, as MNIST's", _ARRAYS),
    (re.compile(r".*\.(h5|hdf5)"), "an HDF5 file", _ARRAYS),
    (re.compile(r".*\.mat"), "a file of MATLAB", _TABLE),
    (re.compile(r".*\.(xlsx|xls|ods)"), "a spreadsheet", _TABLE),
    (re.compile(r".*\.(arff|db|sqlite|rds)"), "a database or a table of another program", _TABLE),
    (re.compile(r".*\.(tfrecords?|tfrec)"), "a TFRecord file", _EXPORT),
    (re.compile(r".*\.(7z|rar|tar|tgz|gz|bz2|xz)"), "an archive within the archive", _UNPACK),
    (re.compile(r".*\.(npz|npy)"), "a file of arrays", "Push it by itself, or save its images as PNG."),
)  # fmt: skip


def told(path: str) -> tuple[str, str] | None:
    """What a file is, and the remedy; None of other files."""
    last = path.rsplit("/", 1)[-1].lower()
    if last in {"train", "test", "meta"} and "cifar" not in path.lower():
        return None
    return next(((what, fix) for pattern, what, fix in _KINDS if pattern.fullmatch(last)), None)


def refusal(others: list[Member], start: str, code: str, fix: str | None = None) -> Refused | None:
    """Why nothing can be made of an archive, where a file of such a kind may hold it all."""
    for member in others:
        if (known := told(member.path)) is not None:
            what, remedy = known
            message = f"{start} {member.path!r} is {what}, which is not read."
            return Refused(code, message, fix or remedy)
    return None


def tell(others: list[Member], findings: Findings) -> None:
    """A warning for each kind of file that may hold labels or images, and is not read."""
    paths: dict[tuple[str, str], list[str]] = {}
    for member in others:
        if (known := told(member.path)) is not None:
            paths.setdefault(known, []).append(member.path)
    for (what, fix), found in paths.items():
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        message = f"{found[0]!r}{more}: {what}, which is not read. It may hold labels, splits or images."
        findings.add("warning", "kind_unread", message, path=found[0], fix=fix)
