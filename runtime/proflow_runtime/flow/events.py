"""Events that a run sends."""

from __future__ import annotations

import hashlib

import inngest
from proflow_schemas.sizes import MAX_EVENT_BYTES, event_size

from proflow_runtime.values import JSON


def too_large(data: JSON) -> str | None:
    """What is wrong with data of an event that is more than Inngest takes; None: it is not."""
    size = event_size(data)
    if size <= MAX_EVENT_BYTES:
        return None
    limit = MAX_EVENT_BYTES >> 20
    return f"would have {size:,} bytes of data, more than the {limit} MiB that an event may have"


def outgoing(
    name: str, data: JSON, *, tenant_id: int | None, run_id: str, step: str, cause: str
) -> inngest.Event:
    """An event of a run: the same one, with the same id, however often its step is tried.

    `cause` is the id of the event that started the run; its first part stays in the ids along a
    chain of runs. Raises `NonRetriableError` for data that is no object, or more than Inngest takes:
    trying again would not help.
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
