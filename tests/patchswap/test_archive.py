"""Folders to zips and back."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from patchswap import archive
from patchswap.errors import BadInput, DamagedFile


def write(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(zipped: Path) -> list[str]:
    with zipfile.ZipFile(zipped) as opened:
        return opened.namelist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("cat/2.png", "cat/1.png", "dog/1.jpg", "labels.csv"):
        write(tmp_path / "images" / name, name.encode())
    return tmp_path / "images"


def test_same_content_gives_the_same_bytes_whatever_the_times_and_the_order(folder: Path, tmp_path: Path):
    archive.zip_folder(folder, tmp_path / "first.zip")
    copy = tmp_path / "copy"
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            os.utime(write(copy / path.relative_to(folder), path.read_bytes()), (10**9, 10**9))
    (copy / "cat" / "1.png").chmod(0o600)
    archive.zip_folder(copy, tmp_path / "second.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_hidden_files_and_desktop_litter_stay_at_home(folder: Path, tmp_path: Path):
    for name in ("cat/.DS_Store", ".git/config", "__MACOSX/cat/1.png", "cat/Thumbs.db"):
        write(folder / name)
    assert archive.zip_folder(folder, tmp_path / "a.zip") == 4
    assert names(tmp_path / "a.zip") == ["cat/1.png", "cat/2.png", "dog/1.jpg", "labels.csv"]


def test_links_are_followed_but_never_in_a_circle(folder: Path, tmp_path: Path):
    write(tmp_path / "elsewhere" / "9.png", b"nine")
    (folder / "bird").symlink_to(tmp_path / "elsewhere")
    (folder / "cat" / "3.png").symlink_to(tmp_path / "elsewhere" / "9.png")
    (folder / "cat" / "loop").symlink_to(folder)
    archive.zip_folder(folder, tmp_path / "a.zip")
    assert names(tmp_path / "a.zip") == [
        "bird/9.png", "cat/1.png", "cat/2.png", "cat/3.png", "dog/1.jpg", "labels.csv"
    ]  # fmt: skip


def test_a_name_that_is_no_utf8_is_written_readably(folder: Path, tmp_path: Path):
    with open(os.fsencode(folder / "cat") + b"/caf\xe9.png", "wb") as file:  # noqa: PTH123 - a name in bytes
        file.write(b"x")
    archive.zip_folder(folder, tmp_path / "a.zip")
    assert "cat/caf%E9.png" in names(tmp_path / "a.zip")


@pytest.mark.parametrize("content", [[], ["notes.txt"], [".hidden/1.png"]])
def test_a_folder_without_images_is_refused(tmp_path: Path, content: list[str]):
    (tmp_path / "images").mkdir()
    for name in content:
        write(tmp_path / "images" / name)
    with pytest.raises(BadInput, match=r"no images in .* a folder of images per class, or images with annotations"):
        archive.zip_folder(tmp_path / "images", tmp_path / "a.zip")


def make_zip(path: Path, *entries: str | zipfile.ZipInfo) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for entry in entries:
            opened.writestr(entry, b"content")
    return path


def test_a_bundle_becomes_a_folder(tmp_path: Path):
    bundle = make_zip(tmp_path / "b.zip", "manifest.json", "golden/", "golden/input.npy")
    found = archive.unpack(bundle, tmp_path / "out" / "model")
    assert sorted(path.relative_to(tmp_path).as_posix() for path in found) == [
        "out/model/golden/input.npy", "out/model/manifest.json"
    ]  # fmt: skip
    assert found[0].read_bytes() == b"content"
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["model"]


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\\..\\evil", "C:evil"])
def test_a_bundle_that_would_write_elsewhere_is_refused_whole(tmp_path: Path, name: str):
    bundle = make_zip(tmp_path / "b.zip", "manifest.json", name)
    with pytest.raises(DamagedFile, match="nothing was unpacked"):
        archive.unpack(bundle, tmp_path / "out" / "model")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_link_in_a_bundle_is_refused(tmp_path: Path):
    link = zipfile.ZipInfo("weights")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DamagedFile):
        archive.unpack(make_zip(tmp_path / "b.zip", link), tmp_path / "model")


def test_a_torn_bundle_is_refused(tmp_path: Path):
    bundle = make_zip(tmp_path / "b.zip", "manifest.json")
    bundle.write_bytes(bundle.read_bytes()[:-10])
    with pytest.raises(DamagedFile, match="not a sound zip"):
        archive.unpack(bundle, tmp_path / "model")


def test_only_an_earlier_bundle_is_replaced_and_only_when_asked(tmp_path: Path):
    bundle = make_zip(tmp_path / "b.zip", "manifest.json")
    target = tmp_path / "model"
    archive.unpack(bundle, target)
    with pytest.raises(BadInput, match="--force"):
        archive.unpack(bundle, target)
    write(target / "old.txt")
    archive.unpack(bundle, target, replace=True)
    assert [path.name for path in target.iterdir()] == ["manifest.json"]
    write(tmp_path / "photos" / "1.png")
    with pytest.raises(BadInput, match="does not hold a bundle"):
        archive.unpack(bundle, tmp_path / "photos", replace=True)
    assert (tmp_path / "photos" / "1.png").exists()
