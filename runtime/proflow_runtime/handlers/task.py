"""What a handler is given, and what a handler is."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from proflow_schemas.signatures import Input, TaskOf

from proflow_runtime.values import JSON

_logger = logging.getLogger("proflow.handlers")


@dataclass(frozen=True)
class Task(TaskOf[Input]):
    """One attempt at a node's work.

    A handler that declares `Task[Model]` gets its input as a `Model`, validated; one that declares
    `Task` gets JSON as it is. `attempt` counts from 1. `idempotency_key` is the same on every
    attempt. `tenant_id` is None in the run of a `system` design only.
    """

    input: Input
    tenant_id: int | None
    run_id: str
    node_id: str
    attempt: int
    idempotency_key: str

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """Logs with `run_id`, `node_id`, `tenant_id` and `attempt` as extra fields."""
        extra: dict[str, object] = {
            "run_id": self.run_id,
            "node_id": self.node_id,
            "tenant_id": self.tenant_id,
            "attempt": self.attempt,
        }
        return logging.LoggerAdapter(_logger, extra)


Handler: TypeAlias = Callable[[Task], Awaitable[JSON] | JSON]
"""The function that does the work of a node: takes a `Task`, returns JSON. One that is not `async`
runs in a thread."""
