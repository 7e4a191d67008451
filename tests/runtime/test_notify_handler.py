"""Notifications: e-mail to a real SMTP server, and the channels of the host."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import inngest
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from proflow_runtime import Flow, Result, Task, register_channel
from proflow_runtime.context.environment import Smtp, names
from proflow_runtime.handlers import channels, notify, smtp
from proflow_runtime.local import LocalEngine

from .conftest import Register
from .driving import start

pytestmark = pytest.mark.anyio


class Inbox:
    """What the server has accepted."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such user"
        if address.startswith("full"):
            return "452 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.messages.append(parsed)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"


def authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    right = LoginPassword(b"me", b"hunter2")
    return AuthResult(success=data == right, handled=False)


@pytest.fixture
async def inbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inbox]:
    made = Inbox()

    def session() -> SMTP:
        return SMTP(made, authenticator=authenticate, auth_require_tls=False, enable_SMTPUTF8=True)

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("PROFLOW_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("PROFLOW_SMTP_PORT", str(port))
    monkeypatch.setenv("PROFLOW_SMTP_SECURITY", "none")
    monkeypatch.setenv("PROFLOW_SMTP_FROM", "ProFlow <flow@example.com>")
    async with server:
        yield made


def task(**input: Any) -> Task:
    return Task({"channel": "email", **input}, 1, "run-1", "tell", 1, "run-1:tell")


async def test_an_email_is_sent(inbox: Inbox) -> None:
    output = await notify.send(
        task(to=["a@example.com", "李娜 <b@example.com>"], subject="审批 ✓", content="你好\nBye")
    )
    (message,) = inbox.messages
    assert inbox.recipients == [["a@example.com", "b@example.com"]]
    assert message["From"] == "ProFlow <flow@example.com>"
    assert message["To"] == "a@example.com, 李娜 <b@example.com>"
    assert message["Subject"] == "审批 ✓"
    assert message.get_content().replace("\r\n", "\n") == "你好\nBye\n"
    assert output == {"message_id": message["Message-ID"], "refused": {}}


async def test_a_repeated_email_has_the_same_id(inbox: Inbox) -> None:
    first = await notify.send(task(to="a@example.com"))
    again = await notify.send(task(to="a@example.com"))
    assert first["message_id"] == again["message_id"]


async def test_content_may_be_html_or_data(inbox: Inbox) -> None:
    await notify.send(task(to="a@example.com", content={"html": "<b>Hi</b>", "text": "Hi"}))
    await notify.send(task(to="a@example.com", content={"total": 3}))
    html, data = inbox.messages
    assert html.get_body(("html",)).get_content().strip() == "<b>Hi</b>"  # type: ignore[union-attr]
    assert html.get_body(("plain",)).get_content().strip() == "Hi"  # type: ignore[union-attr]
    assert data.get_content().strip() == '{"total":3}'


@pytest.mark.parametrize(
    "subject", ["Hi\r\nBcc: evil@example.com", "Hi\nX: y", "Hi\x0bX: y\u2028Z: z"]
)
async def test_a_subject_adds_no_header(inbox: Inbox, subject: str) -> None:
    await notify.send(task(to="a@example.com", subject=subject))
    (message,) = inbox.messages
    assert inbox.recipients == [["a@example.com"]]
    assert set(message.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Content-Type", "Content-Transfer-Encoding",
        "MIME-Version", "X-Peer", "X-MailFrom", "X-RcptTo",
    } & set(message.keys())  # fmt: skip
    assert "Bcc" not in message
    assert "X" not in message


@pytest.mark.parametrize(
    "to",
    ["a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com", "a@example.com;b@x.com",
     "Me <a@example.com>, b@x.com", "a", "@example.com", "a@", "", None, 7, [], ["a@x.com", "b"],
     "a@b@c", "<a@x.com", 'x" <b@x.com>, "y <a@x.com>', "a@x.com\n"],
)  # fmt: skip
async def test_what_is_not_one_address_is_refused(inbox: Inbox, to: Any) -> None:
    if to == "a@x.com\n":
        await notify.send(task(to=to))
        assert inbox.recipients == [["a@x.com"]]
        return
    with pytest.raises(inngest.NonRetriableError):
        await notify.send(task(to=to))
    assert not inbox.messages


async def test_recipients_that_are_refused(inbox: Inbox) -> None:
    output = await notify.send(task(to=["a@example.com", "nobody@example.com"]))
    assert output["refused"] == {"nobody@example.com": "550 no such user"}
    with pytest.raises(inngest.NonRetriableError, match=r"nobody@example\.com: 550 no such user"):
        await notify.send(task(to="nobody@example.com"))
    with pytest.raises(RuntimeError, match=r"full@example\.com: 452 mailbox full"):
        await notify.send(task(to="full@example.com"))


async def test_the_password_is_used_and_never_shown(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFLOW_SMTP_USERNAME", "me")
    monkeypatch.setenv("PROFLOW_SMTP_PASSWORD", "hunter2")
    await notify.send(task(to="a@example.com"))
    monkeypatch.setenv("PROFLOW_SMTP_PASSWORD", "letmein")
    with pytest.raises(inngest.NonRetriableError, match="the mail server answered 535") as caught:
        await notify.send(task(to="a@example.com"))
    assert "letmein" not in str(caught.value)


async def test_no_connection_can_be_tried_again(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFLOW_SMTP_PORT", "1")
    with pytest.raises(Exception, match="Error connecting") as caught:
        await notify.send(task(to="a@example.com"))
    assert not isinstance(caught.value, inngest.NonRetriableError)


async def test_a_server_without_encryption_gets_no_mail_unless_told_so(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROFLOW_SMTP_SECURITY")
    with pytest.raises(Exception, match="STARTTLS"):
        await notify.send(task(to="a@example.com"))
    assert not inbox.messages


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({}, "PROFLOW_SMTP_HOST"),
        ({"PROFLOW_SMTP_HOST": "x"}, "PROFLOW_SMTP_FROM"),
        ({"PROFLOW_SMTP_HOST": "x", "PROFLOW_SMTP_FROM": "a@x", "PROFLOW_SMTP_SECURITY": "ssl"},
         "PROFLOW_SMTP_SECURITY"),
        ({"PROFLOW_SMTP_HOST": "x", "PROFLOW_SMTP_FROM": "a@x", "PROFLOW_SMTP_PORT": "smtp"},
         "PROFLOW_SMTP_PORT"),
    ],
)  # fmt: skip
async def test_settings_that_are_wrong_are_named(
    env: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in names(Smtp):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(inngest.NonRetriableError, match=named):
        await smtp.send(task(to="a@example.com"))


@pytest.fixture
def sms(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    sent: list[Any] = []

    async def send(task: Task) -> Any:
        sent.append((task.tenant_id, task.input))
        return {"id": len(sent)}

    monkeypatch.setattr(channels.OF_THE_PROCESS, "_handlers", {})
    register_channel("sms", send)
    return sent


async def test_a_node_notifies_over_a_registered_channel(
    sms: list[Any], client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.notify(
            "tell", channel=flow.get("event.data.by"), to="139", content=flow.text("n ${tenant_id}")
        )
        return flow.end("end")

    async with LocalEngine(client, [register(body, channels=("sms", "email"))]) as engine:
        run = await start(engine, {"tenant_id": 4, "by": "sms"})
        assert run.status == "Completed"
        message = {"channel": "sms", "to": "139", "content": "n 4"}
        assert sms == [(4, message)]
        run = await start(engine, {"tenant_id": 4, "by": "fax"})
        assert run.error is not None
        assert "no handler is registered for the channel `fax`" in run.error["message"]


async def test_a_run_fails_at_the_node_whose_channel_nobody_registered(
    sms: list[Any], client: inngest.Inngest, register: Register
) -> None:
    done: list[int] = []

    async def work(task: Task) -> None:
        done.append(task.attempt)

    async def body(flow: Flow) -> Result:
        await flow.run("before", work)
        await flow.notify("tell", channel="fax", to="139", content="n")
        return flow.end("end")

    function = register(body, channels=("push", "sms", "fax"))
    async with LocalEngine(client, [function]) as engine:
        run = await start(engine, {"tenant_id": 4})
    assert run.error is not None
    missing = "step `tell` failed after 1 attempt: no handler is registered for the channel `fax`"
    assert run.error["message"] == missing
    assert done == [1]
