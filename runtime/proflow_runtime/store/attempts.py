"""Reads and writes the attempts of runs and of their steps, and the results that steps left.

`service.recording` writes the rows of steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from proflow_runtime.store.models.attempts import RunAttempt, StepAttemptRow, StepResult

MOST = 1000
"""How many attempts are listed at most."""


async def of_run(tenant_id: int, run_id: str) -> list[RunAttempt]:
    """List the attempts of a run that was retried, the oldest first; else an empty list."""
    return await RunAttempt.filter(tenant_id=tenant_id, run_id=run_id).order_by("number")


async def of_node(
    tenant_id: int, run_id: str, node: str, *, after: int = 0, limit: int = MOST
) -> list[StepAttemptRow]:
    """List the attempts at the steps of a node, the oldest first.

    Args:
        tenant_id: The tenant that owns the run.
        run_id: The run.
        node: The node's id.
        after: Only attempts with a greater id than this.
        limit: How many attempts to return at most.
    """
    found = StepAttemptRow.filter(tenant_id=tenant_id, run_id=run_id, node=node, id__gt=after)
    return await found.order_by("id").limit(limit)


async def results(tenant_id: int, run_id: str, part: str, before: int) -> Sequence[StepResult]:
    """Read the results that steps of earlier attempts have left.

    Args:
        tenant_id: The tenant that owns the run.
        run_id: The run.
        part: The part of the definition; empty for the run itself.
        before: The number of the attempt that goes on; only results of earlier ones are read.
    """
    return await StepResult.filter(
        tenant_id=tenant_id, run_id=run_id, part=part, attempt__lt=before
    )
