"""`Task` and `Handler`: what a handler is given, and what it is."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from proflow_schemas.signatures import Input, TaskOf

from proflow_runtime.handlers.log_lines import TaskLogger
from proflow_runtime.values import JSON

_logger = logging.getLogger("proflow.handlers")


@dataclass(frozen=True)
class Task(TaskOf[Input]):
    """One attempt at the work of a node: the argument of a handler.

    Attributes:
        input: The node's input. A handler that declares `Task[Model]` gets a validated `Model`; one
            that declares `Task` gets JSON.
        tenant_id: The tenant of the run; None only in runs of `system` designs.
        run_id: The id of the run.
        node_id: The id of the node.
        attempt: The number of the attempt, counted from 1.
        idempotency_key: A key that is unique to this execution of the node in this run, and the same
            in all attempts.
    """

    input: Input
    tenant_id: int | None
    run_id: str
    node_id: str
    attempt: int
    idempotency_key: str

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger that adds `run_id`, `node_id`, `tenant_id` and `attempt` as extra fields."""
        extra: dict[str, object] = {
            "run_id": self.run_id,
            "node_id": self.node_id,
            "tenant_id": self.tenant_id,
            "attempt": self.attempt,
        }
        return TaskLogger(_logger, extra)


Handler: TypeAlias = Callable[[Task], Awaitable[JSON] | JSON]
"""A function that does the work of a node: it takes a `Task` and returns JSON, or something that can
be encoded as JSON. A function that is not `async` runs in a thread."""
