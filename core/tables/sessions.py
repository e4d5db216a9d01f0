"""Who works in a browser: sessions that stand for a key, and links that begin one."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Row


class BrowserSession(Row):
    __tablename__ = "browser_sessions"

    sha256: Mapped[bytes] = mapped_column(primary_key=True)  # of the cookie, which is never stored
    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id"))  # whose tenant and scopes it has
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ends_at: Mapped[datetime]

    __table_args__ = (Index("ix_browser_sessions_ends_at", "ends_at"),)


class LoginLink(Row):
    """Deleted by whoever follows it."""

    __tablename__ = "login_links"

    sha256: Mapped[bytes] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id"))
    ends_at: Mapped[datetime]
