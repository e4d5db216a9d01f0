"""Whether a bundle is what the service signed: the signature over its manifest, then the hash of every file."""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from patchswap.errors import BadInput, DamagedFile

MANIFEST, SIGNATURE = "manifest.json", "signature.json"
_PROGRAM_CACHE = "__pycache__"
Read = Callable[[str], bytes]


def check_bundle(bundle: Path, pem: str, *, required: bool) -> str | None:
    """The id of the key that signed a bundle's zip file; None where nobody did and that is no fault.

    Raises DamagedFile where the signature or a file is wrong, BadInput for a key that is none.
    """
    try:
        with zipfile.ZipFile(bundle) as archive:
            return _check(set(archive.namelist()), archive.read, pem, required=required)
    except (zipfile.BadZipFile, KeyError, RuntimeError, EOFError) as error:
        raise DamagedFile(f"{bundle.name} is not a sound bundle ({error}).") from error


def check_folder(folder: Path, pem: str) -> str:
    """The same of an unpacked bundle, which must be signed. Raises DamagedFile or BadInput."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    names = {path.as_posix() for path in files if _PROGRAM_CACHE not in path.parts}
    if MANIFEST not in names:
        raise BadInput(f"{folder} is not an unpacked bundle: it has no {MANIFEST}.")
    return str(_check(names, lambda name: (folder / name).read_bytes(), pem, required=True))


def _check(names: set[str], read: Read, pem: str, *, required: bool) -> str | None:
    if SIGNATURE not in names:
        if required:
            raise DamagedFile(f"The bundle is not signed: it has no {SIGNATURE}. Export the model again.")
        return None
    manifest = read(MANIFEST)
    told = _object(read(SIGNATURE), SIGNATURE)
    _check_signature(told, manifest, pem)
    _check_files(names, read, _object(manifest, MANIFEST))
    return str(told["key_id"])


def _check_signature(told: Mapping[str, Any], manifest: bytes, pem: str) -> None:
    if not is_signed(manifest, told.get("signature", ""), pem):
        by = f"its signature names key {told.get('key_id')}"
        raise DamagedFile(f"The bundle is not signed by this key, or was changed ({by}). Do not use it.")


def is_signed(content: bytes, signature: str, pem: str) -> bool:
    """Whether a base64 Ed25519 signature is of this content by this key. Raises BadInput for a key that is none."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only who verifies loads it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise BadInput("The key is not a public key in PEM, as `patchswap signing-key` prints it.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput("The key is not an Ed25519 key, as `patchswap signing-key` prints it.")
    try:
        key.verify(base64.b64decode(signature, validate=True), content)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def _check_files(names: set[str], read: Read, manifest: Mapping[str, Any]) -> None:
    expected = manifest.get("files")
    if not isinstance(expected, dict) or names != {*expected, MANIFEST, SIGNATURE}:
        raise DamagedFile("The bundle has files that its signed manifest does not name. Do not use it.")
    for name, stated in expected.items():
        if hashlib.sha256(read(name)).hexdigest() != stated["sha256"]:
            raise DamagedFile(f"{name} is not the file that was signed. Do not use the bundle.")


def _object(content: bytes, name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise DamagedFile(f"{name} of the bundle is not JSON.") from error
    if not isinstance(found, dict):
        raise DamagedFile(f"{name} of the bundle is not an object.")
    return found
