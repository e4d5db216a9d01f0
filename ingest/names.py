"""Names of files inside archives: decoded, made printable, and told apart. Nothing is ever written under them."""

import codecs
import re
import unicodedata

from contract.pack.manifest import Split

IMAGE_SUFFIXES = frozenset({"jpg", "jpeg", "jpe", "jfif", "png", "bmp", "gif", "webp", "tif", "tiff"}) | {
    "avif", "heic", "heif", "hif", "ppm", "pgm", "pbm", "pnm",
}  # fmt: skip
# Pictures that nothing here reads. Unread they still count as images that cannot be used.
UNREAD_SUFFIXES = frozenset({
    "cr2", "cr3", "nef", "arw", "dng", "orf", "rw2", "raf", "jp2", "j2k", "jpf", "jxl", "svg", "psd", "exr", "hdr",
    "dcm", "tga", "dds", "xcf", "eps",
})  # fmt: skip
NESTED_SUFFIXES = frozenset({"zip", "tar", "tgz", "gz", "bz2", "xz", "7z", "rar", "npz", "parquet"})
MAX_PATH = 1_024
MAX_PART = 255

_SPLITS = {
    Split.TRAIN: {"train", "training"},
    Split.VAL: {"val", "valid", "validation", "validate", "validating", "dev", "eval"},
    Split.TEST: {"test", "testing", "evaluation"},
}
_SPLIT_BY_NAME = {name: split for split, names in _SPLITS.items() for name in names}
# Words that may stand beside a split's name and change nothing: `train_set`, `val2017`, `trainannot`, `test images`.
_BESIDE_A_SPLIT = frozenset({
    "set", "sets", "data", "dataset", "split", "images", "image", "imgs", "img", "photos", "annot", "annots", "labels",
    "label", "masks", "mask", "annotations", "gt", "files",
})  # fmt: skip
_JUNK = {"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin"}
_SAMPLE = 1 << 16  # bytes, even, by which an encoding is guessed
_HIGH = re.compile(rb"[\x80-\xff]+[\xa1-\xff]?")
_GB2312 = re.compile(rb"(?:[\xb0-\xf7][\xa1-\xfe])+")  # the characters in use; of letters of Europe few make such pairs
# Control characters and the marks that turn the direction of what is printed after them.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def split_named(name: str) -> Split | None:
    """The split a folder, a CSV's value or an array's prefix stands for; None where it is none."""
    return _SPLIT_BY_NAME.get(name.strip().lower())


def split_in(path: str) -> Split | None:
    """The split that a folder around a file stands for, the innermost first: `images/val2017/1.jpg`."""
    for part in reversed(path.split("/")[:-1]):
        if (split := split_of_folder(part)) is not None:
            return split
    return None


def split_of_file(path: str) -> Split | None:
    """The split that a table or list is of: by its whole name, its first or last word, else the folders around it."""
    bare = stem(path)
    words = re.split(r"[_\-. ]", bare)
    said = (split_of_folder(bare), split_named(words[0]), split_named(words[-1]), split_in(path))
    return next((split for split in said if split is not None), None)


def split_of_folder(part: str) -> Split | None:
    """The split a whole folder name stands for: `val2017`, `train_set`, `trainannot`; not `test-drive-may`."""
    split, rest = split_and_rest(part)
    return split if not rest else None


def split_and_rest(part: str) -> tuple[Split | None, str]:
    """The only split a folder's words name, and the other words that mean something: `seg_train` -> TRAIN, `seg`."""
    found: list[Split] = []
    rest: list[str] = []
    for word in re.findall(r"[^\W\d_]+", part.lower()):
        split = Split.TRAIN if word == "trainval" else split_named(word)
        attached = next((name for name in _SPLIT_BY_NAME if word.startswith(name) and word != name), None)
        if split is None and attached and word[len(attached) :] in _BESIDE_A_SPLIT:
            split = _SPLIT_BY_NAME[attached]
        if split is not None:
            found.append(split)
        elif word not in _BESIDE_A_SPLIT:
            rest.append(word)
    return (found[0], " ".join(rest)) if len(found) == 1 else (None, "")


def split_of_words(name: str) -> Split | None:
    """The split one of a name's words stands for: `instances_val2017`."""
    return next(
        (split for word in re.split(r"[^a-z]+", name.lower()) if (split := split_named(word)) is not None), None
    )


def decode(raw: bytes) -> tuple[str, str | None]:
    """The name with `/` between its parts, and the encoding that was guessed; None for UTF-8."""
    try:
        return unicodedata.normalize("NFC", raw.replace(b"\\", b"/").decode()), None
    except UnicodeDecodeError:
        encoding, named = guess_encoding(raw)
    return unicodedata.normalize("NFC", raw.decode(encoding).replace("\\", "/")), named


def guess_encoding(raw: bytes) -> tuple[str, str]:
    """What bytes that are no UTF-8 probably are, for Python and for people: GBK, code page 850 (Windows) or Latin-1."""
    sample = raw[:_SAMPLE]
    if all(_GB2312.fullmatch(run) for run in _HIGH.findall(sample)) and is_text(raw, "gbk"):
        return "gbk", "GBK"
    if re.search(rb"[\x80-\xa5]", sample):
        return "cp850", "code page 850"
    return "latin-1", "Latin-1"


def is_text(raw: bytes, encoding: str) -> bool:
    """Whether all of it can be decoded. By pieces: an error of Python's holds a copy of what it could not decode."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for start in range(0, len(raw), _SAMPLE):
            decoder.decode(raw[start : start + _SAMPLE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def printable(name: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", name)[:MAX_PATH]


def tidy(path: str) -> str:
    """Without `./` and doubled slashes."""
    return "/".join(part for part in path.split("/") if part not in {"", "."})


def fault(path: str) -> str | None:
    """Why a name cannot be taken as it is, as a sentence; None where it is fine."""
    parts = path.split("/")
    if path.startswith("/") or re.match(r"^[A-Za-z]:", path):
        return "the name is an absolute path"
    if ".." in parts:
        return "the name climbs out of the archive with .."
    if "\x00" in path:
        return "the name holds a NUL byte"
    if len(path) > MAX_PATH or any(len(part) > MAX_PART for part in parts):
        return f"the name is longer than {MAX_PART} characters a part or {MAX_PATH} in all"
    return None


def is_junk(path: str) -> bool:
    """What operating systems and editors leave behind: nothing a person put there as data."""
    return any(part.startswith(".") or part.lower() in _JUNK for part in path.split("/"))


def suffix(path: str) -> str:
    return path.rsplit("/", 1)[-1].rpartition(".")[2].lower() if "." in path.rsplit("/", 1)[-1] else ""


def is_image(path: str) -> bool:
    return suffix(path) in IMAGE_SUFFIXES


def stem(path: str) -> str:
    """The last part without its suffix."""
    last = path.rsplit("/", 1)[-1]
    return last.rpartition(".")[0] or last


def class_name(value: object) -> str | None:
    """A label as a class's name: text, or a whole number of any type. None for what names no class."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    if not isinstance(value, str | int):
        return None
    return printable(str(value).strip())[:MAX_PART] or None


def class_order(names: list[str]) -> list[str]:
    """Whole numbers by value, anything else by name, so that the order does not depend on the archive's format."""
    if all(re.fullmatch(r"-?[0-9]{1,18}", name) for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)
