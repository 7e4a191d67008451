"""Calls Inngest's API, to look up runs and to send events."""

from __future__ import annotations

import uuid
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

import httpx
import inngest
from inngest._internal.transforms import hash_signing_key
from proflow_schemas.errors import ProFlowError

from proflow_runtime.context.tenant import is_tenant
from proflow_runtime.service.delivery import RefusedError, Send
from proflow_runtime.store.tasks import AskInngest, ReportedRun, Status

STATUSES: dict[str, Status] = {
    "Scheduled": "pending",
    "Running": "running",
    "Completed": "completed",
    "Failed": "failed",
    "Cancelled": "cancelled",
}
TIMEOUT = 10.0
"""Seconds to wait for a response."""


class InngestUnavailableError(ProFlowError):
    """Inngest cannot be reached, or refuses to answer."""


def run_lookup(client: inngest.Inngest) -> AskInngest:
    """Create the function that looks up runs, for `ask_inngest_with`.

    Args:
        client: The client whose server and signing key are used.

    Returns:
        A function that gets a run by its Inngest id, and raises `InngestUnavailableError`.
    """

    async def ask(run_id: str) -> ReportedRun | None:
        run = await _fetched(client, f"/v1/runs/{quote(run_id, safe='')}?_={uuid.uuid4().hex}")
        found = run.get("data") if isinstance(run, dict) else None
        if not isinstance(found, dict) or found.get("status") not in STATUSES:
            return None
        status = STATUSES[found["status"]]
        # The run itself only has the id of its event, which is not always the one that was sent.
        # The batch holds the events as the server hands them to functions.
        events = await _fetched(client, f"/v0/runs/{quote(run_id, safe='')}/batch")
        error = _message(found.get("output")) if status == "failed" else None
        return ReportedRun(run_id, _tenant(events), status, error)

    return ask


def event_sender(client: inngest.Inngest) -> Send:
    """Create the function that sends events.

    Args:
        client: The client to send with.

    Returns:
        A function that sends events. It raises `RefusedError` if Inngest answers with a status 4xx,
        and whatever the client raises if Inngest cannot be reached.
    """
    answered: ContextVar[int | None] = ContextVar("proflow_answered", default=None)

    async def observe(response: httpx.Response) -> None:
        answered.set(response.status_code)

    # The client does not report the status, and takes an error with an unknown body for success.
    client._http_client._http_client.event_hooks["response"].append(observe)

    async def send(events: list[inngest.Event]) -> None:
        token = answered.set(None)
        try:
            await client.send(events)
            if _is_refusal(answered.get()):
                raise RuntimeError("it is refused")
        except Exception as error:
            status = answered.get()
            if status is None and isinstance(error, ValueError):
                status = httpx.codes.BAD_REQUEST  # the client itself has rejected the event
            if status is None or not _is_refusal(status):
                raise
            raise RefusedError(status, str(error)) from error
        finally:
            answered.reset(token)

    return send


def _is_refusal(status: int | None) -> bool:
    return status is not None and 400 <= status < 500


async def _fetched(client: inngest.Inngest, path: str) -> Any:
    """Get JSON from the API; returns None if there is no such object."""
    answer = await _answered(client, path)
    if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.BAD_REQUEST):
        return None  # Inngest answers 400 to an id that is not one of its own
    if answer.is_error:
        raise InngestUnavailableError(f"Inngest answered {answer.status_code} to {path}")
    try:
        return answer.json()
    except ValueError as error:
        raise InngestUnavailableError(f"Inngest answered no JSON to {path}") from error


async def _answered(client: inngest.Inngest, path: str) -> httpx.Response:
    """Send a request with the signing key, or with the fallback key if the first is rejected."""
    keys: list[str | None] = [client.signing_key]
    if client.signing_key_fallback is not None:
        keys.append(client.signing_key_fallback)
    async with httpx.AsyncClient(base_url=client.api_origin, timeout=TIMEOUT) as http:
        for key in keys:
            headers = {} if key is None else {"authorization": f"Bearer {hash_signing_key(key)}"}
            try:
                answer = await http.get(path, headers=headers)
            except httpx.HTTPError as error:
                raise InngestUnavailableError(f"Inngest cannot be asked: {error}") from error
            if answer.status_code not in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
                break
    return answer


def _tenant(events: Any) -> int | None:
    """Return the tenant of the events that started a run, if they all have the same."""
    data = [one.get("data") for one in events or () if isinstance(one, dict)]
    tenants = {one.get("tenant_id") if isinstance(one, dict) else None for one in data}
    tenant = tenants.pop() if len(tenants) == 1 else None
    return tenant if is_tenant(tenant) else None


def _message(output: Any) -> str | None:
    """Return the error message of a failed run."""
    if isinstance(output, dict):
        message = output.get("message")
        return message if isinstance(message, str) else None
    return output if isinstance(output, str) else None
