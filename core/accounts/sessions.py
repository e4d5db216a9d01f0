"""Sessions of a browser: a random token that stands for a key, kept as SHA-256. Revoking the key ends them at once."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from core.accounts import keys
from core.errors import Unauthorized
from core.tables import ApiKey, BrowserSession, LoginLink

IDLE = timedelta(hours=8)  # as in PRINCIPALS; `used_at` is noted every five minutes
LONGEST = timedelta(days=7)
LINK_LASTS = timedelta(seconds=60)
# The api asks this of a bare connection, for many requests at once. What is used is noted on the way.
PRINCIPALS = """
WITH used AS (
    UPDATE browser_sessions SET used_at = now()
    WHERE sha256 = ANY(%(digests)s) AND ends_at > now()
        AND used_at BETWEEN now() - interval '8 hours' AND now() - interval '5 minutes')
SELECT s.sha256, k.id, k.tenant_id, k.scopes,
    CASE WHEN t.suspended_at IS NOT NULL THEN t.suspended_reason END AS suspended
FROM browser_sessions s JOIN api_keys k ON k.id = s.key_id JOIN tenants t ON t.id = k.tenant_id
WHERE s.sha256 = ANY(%(digests)s) AND s.ends_at > now() AND s.used_at > now() - interval '8 hours'
    AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())"""


@dataclass(frozen=True)
class Opened:
    token: str  # exists nowhere else
    key: ApiKey
    ends_at: datetime


def open_for(session: Session, key_id: str) -> Opened:
    """A session of a key that is valid. Raises Unauthorized. Ended sessions of anybody are swept on the way."""
    key = _valid(session, key_id)
    over = or_(BrowserSession.ends_at <= func.now(), BrowserSession.used_at <= func.now() - IDLE)
    session.execute(delete(BrowserSession).where(over))
    token = secrets.token_urlsafe(32)
    ends_at: datetime = session.scalars(select(func.now() + LONGEST)).one()
    session.add(BrowserSession(sha256=keys.digest(token), key_id=key.id, ends_at=ends_at))
    session.flush()
    return Opened(token, key, ends_at)


def ends_at(session: Session, token: str) -> datetime | None:
    """None where the token is of no session."""
    return session.scalars(select(BrowserSession.ends_at).where(_is(token))).one_or_none()


def end(session: Session, token: str) -> None:
    """Ending twice is no error."""
    session.execute(delete(BrowserSession).where(_is(token)))


def make_link(session: Session, key_id: str) -> tuple[str, datetime]:
    """The secret of a link that opens one session of this key, and when it ends."""
    secret = secrets.token_urlsafe(32)
    session.execute(delete(LoginLink).where(LoginLink.ends_at <= func.now()))
    ends: datetime = session.scalars(select(func.now() + LINK_LASTS)).one()
    session.add(LoginLink(sha256=keys.digest(secret), key_id=key_id, ends_at=ends))
    session.flush()
    return secret, ends


def follow(session: Session, secret: str) -> str:
    """The key of a link, which works once. Raises Unauthorized."""
    used = delete(LoginLink).where(LoginLink.sha256 == keys.digest(secret), LoginLink.ends_at > func.now())
    key_id = session.scalars(used.returning(LoginLink.key_id)).one_or_none()
    if key_id is None:
        raise Unauthorized("This link was used, or is older than a minute. Run `patchswap login-link` for another.")
    return key_id


def _valid(session: Session, key_id: str) -> ApiKey:
    lasts = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now())
    found = session.scalars(select(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None), lasts)).one_or_none()
    if found is None:
        raise Unauthorized
    return found


def _is(token: str) -> ColumnElement[bool]:
    return BrowserSession.sha256 == keys.digest(token)
