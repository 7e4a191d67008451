"""The wire format between server and SDK: writes requests and reads responses as the server does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from proflow_runtime.protocol import gojson

READ_HEADERS = ("x-inngest-no-retry", "retry-after", "x-inngest-req-version")
"""The headers of a response that the server reads."""


@dataclass(slots=True)
class Answer:
    """A response: its parsed and normalised body, and the headers that the server reads."""

    status: int
    body: Any
    no_retry: bool = False
    retry_after: datetime | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes = b"null"
    _ops: list[Op] | None = None

    @property
    def ops(self) -> list[Op]:
        """The operations of a 206 response."""
        if self._ops is None:
            self._ops = [read_op(raw) for raw in self.body]
        return self._ops

    @property
    def only_plans(self) -> bool:
        """True for a 206 response that executed no step."""
        return self.status == 206 and not any(op.executed for op in self.ops)


@dataclass(frozen=True, slots=True)
class Op:
    """One operation of a 206 response."""

    op: str
    hashed: str
    name: str
    step_id: str
    """As the function wrote it, with `:1`, `:2` when repeated."""
    opts: dict[str, Any]
    data: Any
    error: dict[str, Any] | None

    @property
    def executed(self) -> bool:
        """True if the request has executed the step; otherwise it plans one, or a wait."""
        return self.op in ("StepRun", "StepError", "StepFailed")

    @property
    def races(self) -> bool:
        return self.opts.get("parallelMode") == "race"


def read_answer(status: int, headers: Mapping[str, str], raw: bytes) -> Answer:
    """Read the response of an app; a body that is not JSON counts as an error."""
    found = {key.lower(): value for key, value in headers.items()}
    try:
        body = gojson.loads(raw) if raw else None
    except ValueError as error:
        return refusal("Error", f"the answer is not JSON: {error}")
    after = found.get("retry-after")
    return Answer(
        status=status,
        body=body,
        no_retry=found.get("x-inngest-no-retry") == "true",
        retry_after=None if after is None else datetime.fromisoformat(after),
        headers={name: found[name] for name in READ_HEADERS if name in found},
        raw=raw or b"null",
    )


def read_op(raw: dict[str, Any]) -> Op:
    """Read one operation of a 206 response."""
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
    """Return the body of a request; `event`, `events` and the entries of `memos` are JSON text."""
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
    """Return one entry of a request's `steps`."""
    return f"{json.dumps(hashed)}:{memo}"


def refusal(name: str, message: str) -> Answer:
    """Return a response with status 500, for an app that could not respond."""
    return Answer(500, {"code": "unknown", "message": message, "name": name})
