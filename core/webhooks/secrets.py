"""The secrets that messages are signed with: made, sealed for the ledger, opened to sign, replaced without a gap.

An HMAC needs the secret itself, so it cannot be hashed as an API key is. Where `webhook_keys_file` is set it stands in
the ledger as a Fernet token; otherwise as it is. `python -m core.webhooks.secrets --create FILE` makes such a file. Its
first key seals, all of them open: to replace a key, put the new one above it.
"""

import base64
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import func
from sqlalchemy.orm import Session

from core import keyfiles
from core.settings import settings
from core.tables import Webhook

PREFIX = "whsec_"  # Standard Webhooks; a sealed one begins otherwise
SECRET_BYTES = 32
MOST_FORMER = 3


class UnusableKeys(Exception):
    """Secrets cannot be sealed or opened; the text says why and what to do."""


def new() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def rotate(session: Session, webhook: Webhook, *, overlap_seconds: float) -> str:
    """A new secret; those in force sign beside it for so long. The caller holds the row's lock. Raises UnusableKeys.

    More than one may be: whoever did not hear the answer rotates again, and receivers still know the secret before.
    """
    made = new()
    webhook.former_secrets = _stored(webhook)[:MOST_FORMER] if overlap_seconds else []
    webhook.former_secrets_until = func.now() + timedelta(seconds=overlap_seconds) if overlap_seconds else None
    webhook.secret = seal(made)
    session.flush()
    session.refresh(webhook)
    return made


def in_force(webhook: Webhook) -> Sequence[str]:
    """What a message is signed with now, the newest first. Raises UnusableKeys."""
    return [unseal(stored) for stored in _stored(webhook)]


def _stored(webhook: Webhook) -> list[str]:
    until = webhook.former_secrets_until
    overlaps = until is not None and until > datetime.now(UTC)  # by the clock that dates the signature
    return [webhook.secret, *(webhook.former_secrets if overlaps else ())]


def seal(secret: str) -> str:
    """As it stands in the ledger. Raises UnusableKeys."""
    keys = _keys()
    return secret if keys is None else keys.encrypt(secret.encode()).decode()


def unseal(stored: str) -> str:
    """Raises UnusableKeys where it was sealed by a key that is not here."""
    if stored.startswith(PREFIX):  # from before there were keys
        return stored
    keys = _keys()
    if keys is None:
        raise UnusableKeys("The secret is encrypted. Set PATCHSWAP_WEBHOOK_KEYS_FILE to the file that the API uses.")
    try:
        return keys.decrypt(stored.encode()).decode()
    except InvalidToken as error:
        path = settings().webhook_keys_file
        raise UnusableKeys(
            f"No key in {path} decrypts the secret. Add the key that encrypted it on a new line."
        ) from error


def require_usable() -> None:
    """Now, and not when the first message is to be signed. Raises UnusableKeys."""
    _keys()


def _keys() -> MultiFernet | None:
    path = settings().webhook_keys_file
    return None if path is None else _read(path)


@lru_cache
def _read(path: Path) -> MultiFernet:
    try:
        return MultiFernet([Fernet(line) for line in path.read_bytes().split()])  # ValueError also where there is none
    except OSError as error:
        raise UnusableKeys(
            f"The webhooks' keys {path} cannot be read: {error.strerror}. Check the path and its permissions."
        ) from error
    except ValueError as error:
        remedy = "Create a file with `python -m core.webhooks.secrets --create FILE`."
        raise UnusableKeys(f"{path} holds no Fernet keys, one per line. {remedy}") from error


def main() -> int:
    return keyfiles.command("core.webhooks.secrets", __doc__, create)


def create(path: Path) -> str:
    """A file of one new key; gives what it is for. Raises FileExistsError or OSError."""
    keyfiles.write(path, Fernet.generate_key() + b"\n")
    return f"{path}: for the api and for workers, as PATCHSWAP_WEBHOOK_KEYS_FILE"


if __name__ == "__main__":
    sys.exit(main())
