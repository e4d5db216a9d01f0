"""The service's Ed25519 signatures: of receipts, and of a bundle's manifest, which has the hash of every other file.

Only workers need the private key, and no trainer is told of it: the worker seals the bundle that the trainer wrote. The
api has the public key. `python -m core.signing --create FILE` makes both.
"""

import base64
import hashlib
import json
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from contract.files import BUNDLE_MANIFEST, BUNDLE_SIGNATURE
from core import keyfiles
from core.settings import settings

ALGORITHM = "ed25519"
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # as every entry of a bundle: equal contents give equal bytes


class UnusableKey(Exception):
    """A key file cannot be used; the text says which and what to do."""


@dataclass(frozen=True)
class PublicKey:
    raw: bytes
    pem: str

    @property
    def key_id(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()[:16]


def public_key() -> PublicKey | None:
    """Whose signatures the service makes; None where it makes none. Raises UnusableKey."""
    path = settings().signing_public_key_file
    if path is None:
        return None
    found = _load(path, load_pem_public_key)
    if not isinstance(found, Ed25519PublicKey):
        raise UnusableKey(f"{path} holds no Ed25519 public key. Make one with `python -m core.signing --create FILE`.")
    return _described(found)


def private_key() -> Ed25519PrivateKey | None:
    """What bundles are signed with; None where they are not. Raises UnusableKey."""
    path = settings().signing_key_file
    if path is None:
        return None
    found = _load(path, lambda pem: load_pem_private_key(pem, password=None))
    if not isinstance(found, Ed25519PrivateKey):
        raise UnusableKey(f"{path} holds no Ed25519 private key. Make one with `python -m core.signing --create FILE`.")
    return found


def seal(bundle: Path) -> None:
    """Add the signature to a bundle, unless there is one or the service signs nothing. Raises UnusableKey."""
    key = private_key()
    if key is None:
        return
    with zipfile.ZipFile(bundle, "a") as archive:
        if BUNDLE_SIGNATURE in archive.namelist():
            return
        signature = key.sign(archive.read(BUNDLE_MANIFEST))
        told = {
            "algorithm": ALGORITHM,
            "key_id": _described(key.public_key()).key_id,
            "of": BUNDLE_MANIFEST,
            "signature": base64.b64encode(signature).decode(),
        }
        entry = zipfile.ZipInfo(BUNDLE_SIGNATURE, _ZIP_EPOCH)
        entry.create_system, entry.external_attr = 3, 0o100644 << 16
        archive.writestr(entry, json.dumps(told, indent=2).encode() + b"\n")


def envelope(payload: bytes, payload_type: str) -> bytes:
    """A DSSE envelope (github.com/secure-systems-lab/dsse) as JSON; without signatures where the service signs nothing.

    Raises UnusableKey.
    """
    key, signatures = private_key(), []
    if key is not None:
        signature = key.sign(pre_authentication(payload, payload_type))
        key_id = _described(key.public_key()).key_id
        signatures.append({"keyid": key_id, "sig": base64.b64encode(signature).decode()})
    told = {
        "payloadType": payload_type,
        "payload": base64.b64encode(payload).decode(),
        "signatures": signatures,
    }
    return json.dumps(told, indent=1).encode() + b"\n"


def pre_authentication(payload: bytes, payload_type: str) -> bytes:
    """What a DSSE signature is of: no payload can be taken for one of another type."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def create(path: Path) -> PublicKey:
    """A new private key, readable by its owner only, and beside it `.pub`. Raises FileExistsError or OSError."""
    keyfiles.require_new(path)  # before the public key of that one is replaced
    key = Ed25519PrivateKey.generate()
    made = _described(key.public_key())
    public_path(path).write_text(made.pem)
    # Last: where there is a private key, its public key is there too, and both are whole.
    keyfiles.write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made


def public_path(path: Path) -> Path:
    return path.with_name(path.name + ".pub")


def _described(key: Ed25519PublicKey) -> PublicKey:
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return PublicKey(key.public_bytes(Encoding.Raw, PublicFormat.Raw), pem)


def _load(path: Path, load: Callable[[bytes], object]) -> object:
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise UnusableKey(
            f"The signing key {path} cannot be read: {error.strerror}. Check the path and its permissions."
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnusableKey(f"The signing key {path} is no key in PEM without a password: {error}.") from error


def main() -> int:
    return keyfiles.command("core.signing", __doc__, _create)


def _create(path: Path) -> str:
    return f"{create(path).key_id}: {path} for workers, {public_path(path)} for the api and for customers"


if __name__ == "__main__":
    sys.exit(main())
