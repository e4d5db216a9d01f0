"""onnxruntime-web at /ui/runtime/, for exported files in the browser itself: beside this package in a wheel, in build/.

Its 14 MB are not in git. `python -m api.browser_runtime onnxruntime-web-VERSION.tgz` takes the three files that are
needed out of the npm package, and no others than those that are known here by their hash.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import mimetypes
import sys
import tarfile
from pathlib import Path

from fastapi import APIRouter, Request, Response

from api import console
from api.wire import answers
from core.errors import NotFound

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
SHA256 = {
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
_ROOT = Path(__file__).parents[1]
_IN_WHEEL, _IN_CHECKOUT = _ROOT / "browser-runtime", _ROOT / "build" / "browser-runtime"
FOLDERS = (_IN_WHEEL, _IN_CHECKOUT)
router = APIRouter(include_in_schema=False)


class NotInstalled(NotFound):
    __doc__ = (
        "This service has no onnxruntime-web, so exported files do not run in the browser. On the service's machine, "
        f"run `npm pack {PACKAGE}@{VERSION}` and then `patchswap browser-runtime {PACKAGE}-{VERSION}.tgz`."
    )


class NotThePackage(Exception):
    """The file is not the npm package that is known here."""


@router.get("/ui/runtime/{name}")
def get_file(request: Request, name: str) -> Response:
    if name not in SHA256:
        raise NotFound
    path = next((found for folder in FOLDERS if (found := folder / f"{name}.gz").is_file()), None)
    if path is None:
        raise NotInstalled
    headers = console.headers(tag=f'"{SHA256[name]}"', lasting="no-cache")
    if answers.matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    media_type, content = mimetypes.guess_type(name)[0], path.read_bytes()
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(gzip.decompress(content), headers=headers, media_type=media_type)
    return Response(content, headers=headers | {"Content-Encoding": "gzip"}, media_type=media_type)


def install(package: Path, folder: Path) -> None:
    """The files, compressed as they are sent. Raises NotThePackage or OSError."""
    found = {name: _read(package, name) for name in SHA256}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in found.items():
        part = folder / f"{name}.part"
        part.write_bytes(gzip.compress(content, mtime=0))
        part.rename(folder / f"{name}.gz")


def _read(package: Path, name: str) -> bytes:
    try:
        with tarfile.open(package) as archive:
            member = archive.extractfile(f"package/dist/{name}")
            content = member.read() if member else b""
    except (tarfile.TarError, KeyError, EOFError, gzip.BadGzipFile) as error:
        raise NotThePackage(f"{package} is not the npm package {PACKAGE} {VERSION}: {error}.") from error
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise NotThePackage(
            f"{name} in {package} is not the one of {PACKAGE} {VERSION}. Get it with `npm pack {PACKAGE}@{VERSION}`."
        )
    return content


def main() -> int:
    parser = argparse.ArgumentParser(description=f"Install {PACKAGE} {VERSION} for the console's page Try it.")
    parser.add_argument("package", type=Path, help=f"the npm package, as `npm pack {PACKAGE}@{VERSION}` leaves it")
    folder = _IN_WHEEL if _ROOT.name == "_service" else _IN_CHECKOUT
    try:
        install(parser.parse_args().package, folder)
    except (NotThePackage, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Installed in {folder}. Reload the page.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
