"""What is told to whoever holds runs that a deployment cannot continue."""

from __future__ import annotations

from typing import Protocol

from proflow_runtime.handlers.blocked import BlockedError

BLOCKED = "proflow:blocked"
"""The name of the failure that is stored for a step which has not begun."""


class Blocker(Protocol):
    """Records which steps of a run cannot begin."""

    async def block(self, step: str, node: str, error: BlockedError) -> None:
        """Record that a step cannot begin; the run waits for `UNBLOCKED` until it is tried again."""
        ...

    async def clear(self, step: str) -> None:
        """Record that a step has begun after all."""
        ...
