"""onnxruntime for a C++ compiler: the library of the installed wheel, the headers of Debian's next release.

Wheels have no headers and Debian 12 has no package of them. onnxruntime's C interface is versioned: a program that was
compiled with older headers asks the newer library for theirs.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import onnxruntime

SOURCES = Path("/etc/apt/sources.list.d/debian.sources")


def release(folder: Path) -> Path:
    """A folder made as onnxruntime's release archive is: include/ and lib/. Nothing is installed."""
    (folder / "lib").mkdir(parents=True)
    library = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*"))
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (folder / "lib" / name).symlink_to(library)
    for partial in ("lists/partial", "archives/partial"):
        (folder / "apt" / partial).mkdir(parents=True)
    # Where this machine has Debian from, one release later.
    (folder / "apt" / "next.sources").write_text(re.sub("bookworm", "trixie", SOURCES.read_text()))
    _apt(folder, "update")
    _apt(folder, "download", "libonnxruntime-dev")
    subprocess.run(["dpkg-deb", "-x", next(folder.glob("*.deb")), folder / "package"], check=True)
    (folder / "include").symlink_to(folder / "package" / "usr" / "include" / "onnxruntime")
    return folder


def _apt(folder: Path, *asked: str) -> None:
    apt = folder / "apt"
    places = {
        "Dir::Etc::SourceList": apt / "next.sources",
        "Dir::Etc::SourceParts": "-",
        "Dir::State::Lists": apt / "lists",
        "Dir::Cache": apt,
        "APT::Sandbox::User": "root",
    }
    options = [part for name, place in places.items() for part in ("-o", f"{name}={place}")]
    subprocess.run(["apt-get", "-qq", *options, *asked], check=True, cwd=folder)
