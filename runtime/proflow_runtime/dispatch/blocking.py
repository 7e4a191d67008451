"""Holds the runs that this deployment cannot continue, until one can."""

from __future__ import annotations

import logging
from itertools import count

import inngest
from proflow_schemas.definition import UnknownFormatError
from proflow_schemas.durations import MAX_WAIT

from proflow_runtime.dispatch.programs import Pin, Prepared, Programs
from proflow_runtime.handlers.blocked import UNBLOCKED, BlockedError
from proflow_runtime.protocol.conditions import condition
from proflow_runtime.store import blocking
from proflow_runtime.store.outages import through_outages

log = logging.getLogger("proflow.stored")


class StoredBlocker:
    """Records in the tables which steps of one run cannot begin."""

    def __init__(self, tenant_id: int, run_id: str) -> None:
        self._tenant_id, self._run_id = tenant_id, run_id

    async def block(self, step: str, node: str, error: BlockedError) -> None:
        """Record that a step cannot begin, as `Blocker.block` describes."""
        is_new = await blocking.block(
            self._tenant_id,
            self._run_id,
            step,
            node=node,
            reason=error.reason,
            subject=error.subject,
            message=str(error),
        )
        if is_new:
            about = {"tenant_id": self._tenant_id, "run_id": self._run_id, "node_id": node}
            log.warning("the run is blocked: %s", error, extra=about)

    async def clear(self, step: str) -> None:
        """Record that a step has begun after all."""
        await blocking.clear(self._tenant_id, self._run_id, step)


async def prepared(ctx: inngest.Context, programs: Programs, pin: Pin, run_id: str) -> Prepared:
    """Get the program of a run that has begun; hold the run while only a newer process can read it.

    Args:
        ctx: The request of Inngest.
        programs: The stored definitions.
        pin: The version that the run uses.
        run_id: The run.

    Raises:
        NonRetriableError: If the run cannot continue at all.
    """
    try:
        return await through_outages(programs.get, pin)
    except UnknownFormatError as error:
        found = BlockedError("format", error.format, str(error))
    await StoredBlocker(pin.tenant_id, run_id).block(blocking.WHOLE, "", found)
    for number in count(1):
        # Each wait is remembered: the first that has not ended ends this request.
        await ctx.step.wait_for_event(
            f"proflow/blocked-{number}",
            event=UNBLOCKED,
            if_exp=condition(pin.tenant_id, "data.run_id", run_id),
            timeout=MAX_WAIT,
        )
    raise AssertionError
