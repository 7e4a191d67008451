"""The built-in channel `email`, which sends by SMTP.

The environment variables are those of `context.environment.Smtp`.
"""

from __future__ import annotations

import hashlib
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

import inngest
from proflow_schemas.expressions import as_text
from proflow_schemas.node_types.notify import EMAIL

from proflow_runtime.context import clock
from proflow_runtime.context.environment import Smtp
from proflow_runtime.handlers.optional import read_now, require_now
from proflow_runtime.handlers.task import Task
from proflow_runtime.values import JSON

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_PART = r'[^\s@,;:<>()\[\]"\\\x00-\x1f\x7f]+'
_ADDRESS = re.compile(
    rf'(?:(?P<name>[^<>"@,;:\x00-\x1f\x7f]*)<(?P<bracketed>{_PART}@{_PART})>|(?P<bare>{_PART}@{_PART}))'
)
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


async def send(task: Task) -> JSON:
    """Send an e-mail.

    Args:
        task: Its input is `{"to", "subject", "content"}`; `content` is a text or `{"text"?, "html"}`.

    Returns:
        `{"message_id", "refused": {address: reason}}`.

    Raises:
        NonRetriableError: If the message or the settings are invalid, or the server refuses for good.
        RuntimeError: If the server refuses for now.
    """
    require_now("email", f"the channel `{EMAIL}`")
    import aiosmtplib  # optional

    smtp = read_now(Smtp)
    if smtp.host is None or smtp.sender is None:
        missing = "PROFLOW_SMTP_HOST" if smtp.host is None else "PROFLOW_SMTP_FROM"
        raise inngest.NonRetriableError(f"e-mail cannot be sent: `{missing}` is not set")
    message = compose(parse_address(smtp.sender), task)
    try:
        refused, _ = await aiosmtplib.send(
            message,
            hostname=smtp.host,
            port=smtp.port or _PORTS[smtp.security],
            username=smtp.username,
            password=None if smtp.password is None else smtp.password.get_secret_value(),
            use_tls=smtp.security == "tls",
            start_tls=smtp.security == "starttls",
            timeout=smtp.timeout,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [one.code for one in error.recipients]
        reasons = "; ".join(
            f"{one.recipient}: {one.code} {one.message}" for one in error.recipients
        )
        message_text = f"the mail server refused every recipient: {reasons}"
        if all(code >= 500 for code in codes):
            raise inngest.NonRetriableError(message_text) from None
        raise RuntimeError(message_text) from None
    except aiosmtplib.SMTPResponseException as error:
        answer = f"the mail server answered {error.code}: {error.message}"
        if error.code >= 500:
            raise inngest.NonRetriableError(answer) from None
        raise RuntimeError(answer) from None
    return {
        "message_id": message["Message-ID"],
        "refused": {address: f"{code} {text}" for address, (code, text) in refused.items()},
    }


def compose(sender: Address, task: Task) -> EmailMessage:
    """Make the message. Its input cannot inject headers or recipients."""
    to = task.input.get("to")
    recipients = [parse_address(one) for one in (to if isinstance(to, list) else [to])]
    if not recipients:
        raise inngest.NonRetriableError("an e-mail has at least one recipient")
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = sender
    message["To"] = tuple(recipients)
    message["Subject"] = _INVISIBLE.sub(" ", as_text(task.input.get("subject") or "")).strip()
    message["Date"] = format_datetime(clock.now())
    digest = hashlib.sha256(task.idempotency_key.encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{sender.domain}>"
    content = task.input.get("content")
    if isinstance(content, dict) and isinstance(content.get("html"), str):
        message.set_content(as_text(content.get("text") or "This message is in HTML."))
        message.add_alternative(content["html"], subtype="html")
    else:
        message.set_content("" if content is None else as_text(content))
    return message


def parse_address(text: object) -> Address:
    """Parse a text as exactly one address, with or without a name.

    Raises:
        NonRetriableError: If it is anything else.
    """
    found = _ADDRESS.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        shown = as_text(text)[:80] if text is not None else "nothing"
        raise inngest.NonRetriableError(f"`{shown}` is not one e-mail address")
    local, _, domain = (found["bracketed"] or found["bare"]).rpartition("@")
    return Address((found["name"] or "").strip(), local, domain)
