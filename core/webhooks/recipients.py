"""Who may be written to by e-mail: one plain address, of a domain that the operator allows, by the operator's relay."""

import re

from core.errors import Invalid
from core.settings import settings

_MAILTO = re.compile(
    r"mailto:(?P<address>[A-Za-z0-9.!#$&'*+/=?^_{|}~-]{1,64}@(?P<domain>[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*))"
)


class RecipientRefused(Invalid):
    """No e-mail is sent there. Give `mailto:` and one address."""


def require_allowed(url: str) -> None:
    """A url as it is written. Raises RecipientRefused."""
    if not settings().smtp_host or not settings().smtp_from:
        raise RecipientRefused(
            "This service sends no e-mail. Its operator must set PATCHSWAP_SMTP_HOST and PATCHSWAP_SMTP_FROM.",
            pointer="/format",
        )
    found = _MAILTO.fullmatch(url)
    if found is None:
        raise RecipientRefused("An e-mail goes to one address. Give `mailto:name@example.com`.", pointer="/url")
    allowed = [each.strip().lower() for each in settings().smtp_recipients.split(",") if each.strip()]
    if allowed and found["domain"].lower() not in allowed:
        raise RecipientRefused(f"E-mail is sent to these domains only: {', '.join(allowed)}.", pointer="/url")


def address_of(url: str) -> str:
    return url.removeprefix("mailto:")
