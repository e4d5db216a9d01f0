"""Folders to zip files for upload, and downloaded bundles back to folders. Same folder, same bytes: uploads dedupe."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from patchswap.errors import BadInput, DamagedFile

ARCHIVE_MEDIA_TYPES = {
    ".zip": "application/zip",
    ".tar": "application/x-tar",
    ".tgz": "application/gzip",
    ".gz": "application/gzip",
    ".npz": "application/octet-stream",
    ".parquet": "application/vnd.apache.parquet",
}
_IMAGE_SUFFIXES = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".webp",
        ".bmp",
        ".gif",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".avif",
        ".heic",
        ".heif",
        ".hif",
    }
)
_COMPRESSED = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".heic", ".heif", ".hif", ".zip", ".gz", ".npz", ".parquet"}
)
_LITTER = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_MAX_UNPACKED_BYTES = 20 * 2**30

Progress = Callable[[int, int], None]  # done, total


def media_type(path: Path) -> str:
    """Of an archive file. Raises BadInput for a file that is none of those that can be read."""
    try:
        return ARCHIVE_MEDIA_TYPES[path.suffix.lower()]
    except KeyError:
        kinds = ", ".join(ARCHIVE_MEDIA_TYPES)
        raise BadInput(f"{path} is not a dataset. Give a folder of images, or one of {kinds}.") from None


def zip_folder(folder: Path, target: Path, progress: Progress | None = None) -> int:
    """Write a folder of images, with all that lies among them, as a zip; gives the number of files.

    The zip depends on names and contents only. Hidden files and the litter of desktops are left out, links to files are
    followed. Raises BadInput where there is no image.
    """
    files = sorted(_files(folder))
    if not any(path.suffix.lower() in _IMAGE_SUFFIXES | {".parquet"} for _, path in files):
        raise BadInput(
            f"There are no images in {folder}. It should hold a folder of images per class, or images with annotations."
        )
    with zipfile.ZipFile(target, "w") as archive:
        for number, (name, path) in enumerate(files, start=1):
            _add(archive, name, path)
            if progress:
                progress(number, len(files))
    return len(files)


def unpack(bundle: Path, target: Path, *, replace: bool = False) -> list[Path]:
    """Unpack a zip into a new folder; gives the files. Raises DamagedFile for one that would write elsewhere.

    The folder appears whole or not at all. A folder that holds something is left alone unless `replace`.
    """
    require_free(target, replace=replace)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        names = _extract(bundle, draft)
        draft.chmod(0o755)
        if target.is_dir():
            shutil.rmtree(target)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return [target / name for name in names]


def require_free(target: Path, *, replace: bool = False) -> None:
    """Raises BadInput where a bundle must not be unpacked. Only an earlier bundle is ever replaced."""
    if target.exists() and not target.is_dir():
        raise BadInput(f"{target} is a file. Give a folder.")
    if not target.is_dir() or not any(target.iterdir()):
        return
    if not replace:
        raise BadInput(f"{target} is not empty. Choose another folder, or allow it to be replaced (--force).")
    if not (target / "manifest.json").is_file():
        raise BadInput(f"{target} does not hold a bundle. Choose another folder.")


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(name in the archive, path), links to folders followed but never in a circle."""
    open_folders: dict[str, frozenset[str]] = {str(folder): frozenset({os.path.realpath(folder)})}
    for here, folders, names in os.walk(folder, followlinks=True):
        above = open_folders.pop(here)
        folders[:] = [name for name in folders if _is_wanted(name)]
        for name in list(folders):
            inner = os.path.join(here, name)  # noqa: PTH118 - os.walk's own key
            real = os.path.realpath(inner)
            if real in above:
                folders.remove(name)
            else:
                open_folders[inner] = above | {real}
        for name in names:
            path = Path(here, name)
            if _is_wanted(name) and path.is_file():
                yield _archive_name(path.relative_to(folder)), path


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name not in _LITTER


def _archive_name(path: Path) -> str:
    """With `/`, and bytes that are no UTF-8 as %XX: a zip cannot hold them."""
    return "".join(f"%{ord(c) - 0xDC00:02X}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in path.as_posix())


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    entry.create_system = 3  # Unix, on every system
    entry.file_size = path.stat().st_size  # tells zipfile whether zip64 is needed
    # Pictures are compressed already: deflating them again costs time and saves 1 %.
    compressed = path.suffix.lower() in _COMPRESSED
    entry.compress_type = zipfile.ZIP_STORED if compressed else zipfile.ZIP_DEFLATED
    try:
        with path.open("rb") as source, archive.open(entry, "w") as sink:
            shutil.copyfileobj(source, sink, 2**20)
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {error.strerror}. Make it readable or remove it.") from error


def _extract(bundle: Path, folder: Path) -> list[str]:
    try:
        with zipfile.ZipFile(bundle) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check(entries)
            for entry in entries:
                path = folder / entry.filename
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, path.open("xb") as sink:
                    shutil.copyfileobj(source, sink, 2**20)
    except (zipfile.BadZipFile, EOFError, FileExistsError, NotImplementedError) as error:
        raise DamagedFile(f"{bundle.name} is not a sound zip file ({error}); download it again.") from error
    return [entry.filename for entry in entries]


def _check(entries: list[zipfile.ZipInfo]) -> None:
    for entry in entries:
        name = PurePosixPath(entry.filename)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        foreign = name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in entry.filename
        if foreign or kind not in (0, stat.S_IFREG):
            raise DamagedFile(f"The bundle holds {entry.filename!r}, which is not a plain file; nothing was unpacked.")
    if sum(entry.file_size for entry in entries) > _MAX_UNPACKED_BYTES:
        raise DamagedFile("The bundle unpacks to more than 20 GiB; nothing was unpacked.")
