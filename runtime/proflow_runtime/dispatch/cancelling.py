"""The event that cancels a run of a stored design."""

from __future__ import annotations

import inngest
from tortoise.backends.base.client import BaseDBAsyncClient

from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.store import outbox, runs
from proflow_runtime.store.outbox import Effect


def cancellation(names: AppNames, tenant_id: int, run_id: str, *, cause: str) -> inngest.Event:
    """Build the event that cancels a run.

    Args:
        names: The names of the app's events.
        tenant_id: The tenant that owns the run.
        run_id: The run.
        cause: The id of what cancels the run; the same cause gives an event with the same id.
    """
    return inngest.Event(
        name=names.cancel,
        id=f"cancel:{run_id}:{runs.derived_id(cause)}",
        data={"tenant_id": tenant_id, "run_id": run_id},
    )


async def cancel_again(
    client: BaseDBAsyncClient, tenant_id: int, run_id: str, event: inngest.Event
) -> None:
    """Let the outbox send a cancellation if the run is still open a little later.

    Args:
        client: The client of the transaction.
        tenant_id: The tenant that owns the run.
        run_id: The run.
        event: The cancellation, which a step of Inngest sends now.
    """
    effect = Effect("ended", run_id)
    await outbox.put(
        client, event.id, tenant_id, event.name, event.data, effect=effect, wait=outbox.PAUSES[0]
    )
