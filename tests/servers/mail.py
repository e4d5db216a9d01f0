"""A real SMTP server on loopback (aiosmtpd): it remembers what came, and refuses what it is told to refuse."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

from tests.servers.processes import spare_port

USER, PASSWORD = "patchswap", "a word"


@dataclass
class Mailbox:
    """`refuses`: what is answered to the next recipients, one each; then they are taken."""

    refuses: list[str] = field(default_factory=list)
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: Any, session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.refuses:
            return self.refuses.pop(0)
        self.logins.append(bool(session.authenticated))
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        found = message_from_bytes(content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        self.messages.append(found)
        self.recipients += envelope.rcpt_tos
        return "250 Message taken"


class MailServer:
    """Listens at `port` until it is closed. With a certificate it asks for STARTTLS and a login."""

    def __init__(self, certificate: tuple[Path, Path] | None = None) -> None:
        self.box = Mailbox()
        self.port = spare_port()
        safe: dict[str, Any] = {}
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            safe = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": _login}
        self._controller = Controller(self.box, hostname="127.0.0.1", port=self.port, **safe)
        self._controller.start()

    def close(self) -> None:
        self._controller.stop()


def _login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()))
