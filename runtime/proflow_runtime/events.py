"""Events that a run sends."""

from __future__ import annotations

import hashlib

import inngest

from proflow_runtime.values import JSON


def outgoing(
    name: str, data: JSON, *, tenant_id: int | None, run_id: str, step: str, cause: str
) -> inngest.Event:
    """An event of a run: the same one, with the same id, however often its step is tried.

    `cause` is the id of the event that started the run; its first part stays in the ids along a
    chain of runs. Raises `NonRetriableError` for data that is no object.
    """
    if data is not None and not isinstance(data, dict):
        raise inngest.NonRetriableError(f"the data of event `{name}` is not an object")
    tenant = {} if tenant_id is None else {"tenant_id": tenant_id}
    digest = hashlib.sha256(f"{run_id}:{step}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    origin = cause.split(":", 1)[0][:64]
    return inngest.Event(name=name, data={**(data or {}), **tenant}, id=f"{origin}:{digest}")
