"""One e-mail handed to the operator's relay: quickly over, and answered as the relay answered."""

import smtplib
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from email.message import EmailMessage

from core.settings import settings
from core.webhooks.deliveries import Answer

KEPT_CHARACTERS = 500
TAKEN = 250  # RFC 5321: requested mail action okay, completed


def send(message: EmailMessage, *, seconds: float) -> Answer:
    """What the relay said within so many seconds. A relay that took the message later took it all the same."""
    begun = time.monotonic()
    pool = ThreadPoolExecutor(1, thread_name_prefix="mail")
    future = pool.submit(_hand_over, message, seconds)
    pool.shutdown(wait=False)
    status: int | None
    try:
        status, text = future.result(timeout=seconds)
    except TooLate:
        status, text = None, f"no answer within {seconds:g} s"
    except smtplib.SMTPResponseException as error:
        status, text = error.smtp_code, _readable(error.smtp_error)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        status, text = code, _readable(said)
    except (smtplib.SMTPException, OSError) as error:
        status, text = None, f"{type(error).__name__}: {error}"
    return Answer(status, text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:KEPT_CHARACTERS], _since(begun))


def _hand_over(message: EmailMessage, seconds: float) -> tuple[int, str]:
    asked = settings()
    host = asked.smtp_host or ""
    if asked.smtp_security == "tls":
        relay: smtplib.SMTP = smtplib.SMTP_SSL(host, asked.smtp_port, timeout=seconds, context=_tls())
    else:
        relay = smtplib.SMTP(host, asked.smtp_port, timeout=seconds)
    with relay:
        if asked.smtp_security == "starttls":
            relay.starttls(context=_tls())
        if asked.smtp_user:
            relay.login(asked.smtp_user, asked.smtp_password or "")
        relay.send_message(message)
    return TAKEN, f"taken by {host}"


def _tls() -> ssl.SSLContext:
    """The usual authorities, or those of SSL_CERT_FILE."""
    return ssl.create_default_context()


def _readable(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 3)
