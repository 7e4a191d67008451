"""Makes the events that a run sends."""

from __future__ import annotations

import hashlib

import inngest
from proflow_schemas.sizes import MAX_EVENT_BYTES, event_size

from proflow_runtime.values import JSON


def too_large(data: JSON) -> str | None:
    """Return a message if the data of an event exceeds Inngest's limit, else None."""
    size = event_size(data)
    if size <= MAX_EVENT_BYTES:
        return None
    limit = MAX_EVENT_BYTES >> 20
    return f"would have {size:,} bytes of data, more than the {limit} MiB that an event may have"


def outgoing(
    name: str, data: JSON, *, tenant_id: int | None, run_id: str, step: str, cause: str
) -> inngest.Event:
    """Make an event. Every attempt at the same step makes the same id, so that Inngest drops copies.

    Args:
        name: The event's name.
        data: The event's data, an object or None.
        tenant_id: The tenant of the run, which is added to the data.
        run_id: The id of the run.
        step: The id of the step, for the event's id.
        cause: The id of the event that started the run. Its first part becomes the beginning of the
            new id, so that a chain of runs has a common prefix.

    Raises:
        NonRetriableError: If the data is not an object or too large.
    """
    if data is not None and not isinstance(data, dict):
        raise inngest.NonRetriableError(f"the data of event `{name}` is not an object")
    tenant = {} if tenant_id is None else {"tenant_id": tenant_id}
    sent = {**(data or {}), **tenant}
    if (problem := too_large(sent)) is not None:
        raise inngest.NonRetriableError(f"event `{name}` {problem}")
    digest = hashlib.sha256(f"{run_id}:{step}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    origin = cause.split(":", 1)[0][:64]
    return inngest.Event(name=name, data=sent, id=f"{origin}:{digest}")
