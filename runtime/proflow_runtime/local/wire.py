"""The wire protocol towards the SDK: requests as the server sends them, answers as it reads them."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

import fastapi
import inngest
import inngest.fast_api
from starlette.types import Message, Scope

from proflow_runtime.local import gojson

PATH = "/api/inngest"
_HOST = ("local", 80)


@dataclass(slots=True)
class Answer:
    """An answer: its parsed and normalised body, and the headers the server looks at."""

    status: int
    body: Any
    no_retry: bool = False
    retry_after: datetime | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes = b"null"


@dataclass(frozen=True, slots=True)
class Op:
    """One operation of a 206 answer."""

    op: str
    hashed: str
    name: str
    step_id: str
    """As the function wrote it, with `:1`, `:2` when repeated."""
    opts: dict[str, Any]
    data: Any
    error: dict[str, Any] | None

    @property
    def races(self) -> bool:
        return self.opts.get("parallelMode") == "race"


class SdkApp:
    """The functions, served by the SDK's own FastAPI integration and called as an ASGI app."""

    def __init__(self, client: inngest.Inngest, functions: Sequence[inngest.Function[Any]]) -> None:
        self._app = fastapi.FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        inngest.fast_api.serve(
            self._app,
            client,
            list(functions),
            serve_path=PATH,
            streaming=inngest.Streaming.DISABLE,
        )

    async def post(
        self, function_id: str, step: str, body: bytes, job: str, request: str
    ) -> Answer:
        """One request of the server. An app that raises answers 500, as behind a web server."""
        sent: list[Message] = []
        unread = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return unread.pop() if unread else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": f"fnId={quote(function_id, safe='')}&stepId={step}".encode(),
            "root_path": "",
            "headers": [
                (b"host", b"local"),
                (b"user-agent", b"Inngest"),
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
                (b"x-inngest-job-id", job.encode()),
                (b"x-inngest-step-id", step.encode()),
                (b"x-request-id", request.encode()),
            ],
            "client": ("local", 0),
            "server": _HOST,
        }
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return refusal("CancelledError", "the function was cancelled")
        except (Exception, SystemExit) as error:
            return refusal(type(error).__name__, str(error))
        return read_answer(sent)


def read_answer(messages: Sequence[Message]) -> Answer:
    """The answer in the messages of an ASGI app; one that is no JSON counts as an error."""
    status: int = messages[0]["status"]
    raw = b"".join(message.get("body", b"") for message in messages[1:])
    headers = {
        key.decode("latin-1"): value.decode("latin-1")
        for key, value in messages[0].get("headers", [])
        if key in (b"x-inngest-no-retry", b"retry-after", b"x-inngest-req-version")
    }
    try:
        body = gojson.loads(raw) if raw else None
    except ValueError as error:
        return refusal("Error", f"the answer is not JSON: {error}")
    after = headers.get("retry-after")
    return Answer(
        status=status,
        body=body,
        no_retry=headers.get("x-inngest-no-retry") == "true",
        retry_after=None if after is None else datetime.fromisoformat(after),
        headers=headers,
        raw=raw or b"null",
    )


def read_op(raw: dict[str, Any]) -> Op:
    """One entry of a 206 answer."""
    userland = raw.get("userland") or {}
    step_id = userland.get("id") or raw["displayName"]
    if userland.get("index"):
        step_id = f"{step_id}:{userland['index']}"
    return Op(
        op=raw["op"],
        hashed=raw["id"],
        name=raw.get("name") or "",
        step_id=step_id,
        opts=raw.get("opts") or {},
        data=raw.get("data"),
        error=raw.get("error"),
    )


def request_body(
    *,
    attempt: int,
    max_attempts: int,
    plan_only: bool,
    function_uuid: str,
    job_id: str,
    queue_id: str,
    request_id: str,
    run_id: str,
    current: int,
    stack: Sequence[str],
    event: str,
    events: str,
    memos: Sequence[str],
    version: int,
) -> bytes:
    """A request's body; `event`, `events` and the entries of `memos` are JSON text already."""
    settled = '"{}"'.format('","'.join(stack)) if stack else ""
    return (
        f'{{"ctx":{{"attempt":{attempt},"disable_immediate_execution":'
        f'{"true" if plan_only else "false"},"env":"","fn_id":"{function_uuid}",'
        f'"generation_id":{attempt + 1},"job_id":"{job_id}","max_attempts":{max_attempts},'
        f'"qi_id":"{queue_id}","request_id":"{request_id}","run_id":"{run_id}",'
        f'"stack":{{"current":{current},"stack":[{settled}]}},'
        f'"step_id":"step","use_api":false}},"defers":{{}},"event":{event},"events":{events},'
        f'"steps":{{{",".join(memos)}}},"use_api":false,"version":{version}}}'
    ).encode()


def memo_entry(hashed: str, memo: str) -> str:
    """One entry of a request's `steps`."""
    return f"{json.dumps(hashed)}:{memo}"


def refusal(name: str, message: str) -> Answer:
    """The answer of an app that could not give one."""
    return Answer(500, {"code": "unknown", "message": message, "name": name})
