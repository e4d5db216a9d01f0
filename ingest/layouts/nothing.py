"""Why an archive holds no images, and what to push instead."""

from ingest import names
from ingest.archives.members import Member
from ingest.findings import Refused
from ingest.layouts import unread_kinds

_CODE = "no_images"
_FIX = "Pack folders of JPEG or PNG images, one folder for each class."
_OPENED = names.NESTED_SUFFIXES - {"7z", "rar", "bz2", "xz"}  # if they are pushed themselves


def no_images(others: list[Member]) -> Refused:
    """`others`: all files of the archive, none of which is an image by its name."""
    if not others:
        return Refused("archive_empty", "The archive holds no files.", _FIX)
    known = (
        _archives_within(others)
        or unread_kinds.refusal(others, "The archive holds no images.", _CODE)
        or _without_suffix(others)
        or _pixels_in_table(others)
    )
    return known or Refused(_CODE, f"None of the archive's {len(others)} files is an image by its name.", _FIX)


def _archives_within(others: list[Member]) -> Refused | None:
    nested = [member.path for member in others if names.suffix(member.path) in _OPENED]
    if len(nested) == 1:
        return Refused(_CODE, f"The archive holds {nested[0]!r}, not images.", f"Upload {nested[0]!r} itself.")
    if nested:
        message = f"The archive holds {len(nested)} archives, as {nested[0]!r}, not images."
        return Refused(_CODE, message, "Unpack them, and push the folder that holds all of them.")
    return None


def _without_suffix(others: list[Member]) -> Refused | None:
    bare = [member for member in others if not names.suffix(member.path)]
    if 2 * len(bare) <= len(others):
        return None
    message = f"{len(bare)} of the archive's {len(others)} files have no suffix, as {bare[0].path!r}; images are known "
    return Refused(_CODE, message + "by theirs.", "Give them the suffix of their format, such as .jpg.")


def _pixels_in_table(others: list[Member]) -> Refused | None:
    table = next((member.path for member in others if names.suffix(member.path) in {"csv", "tsv"}), None)
    if table is None:
        return None
    message = f"None of the archive's {len(others)} files is an image by its name. Pixels in a table, as they may "
    message += f"stand in {table!r}, are not read."
    return Refused(_CODE, message, "Save the images as PNG, one folder for each class.")
