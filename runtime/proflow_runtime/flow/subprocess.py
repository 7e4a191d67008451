"""Subprocesses: the event that starts a child run, and how its result is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import inngest
from proflow_schemas.errors import ProFlowError

from proflow_runtime.flow.events import too_large
from proflow_runtime.values import JSON, rounding_problem

MAX_DEPTH = 8
LINEAGE = "_proflow"
"""The key in an event's data with the nesting depth and the parent of a child run."""

INITIATOR = "initiator"
"""The key below `LINEAGE` with the person who started the parent."""

PARENT_ENDED = "inngest/function.finished"
OF_PARENT = f"async.data.run_id == event.data.{LINEAGE}.parent"
WITH_PARENT = inngest.Cancel(event=PARENT_ENDED, if_exp=OF_PARENT)
"""Cancels a child when its parent's run has ended. Other runs lack the field and never match."""

CALL_LEFT = "proflow/call.left"
OF_CALL = f"async.data.call == event.data.{LINEAGE}.call"
WITH_CALL = inngest.Cancel(event=CALL_LEFT, if_exp=OF_CALL)
"""Cancels a child when the item or iteration that called it has ended."""


class SubprocessError(ProFlowError):
    """A child could not be started, or has no result."""


class SubprocessCancelled(SubprocessError):
    """A child was cancelled."""


def call_id(call: str) -> str:
    """Return the id by which an event finds the child to cancel.

    It is a digest, because Inngest's matching does not support all characters of step ids.

    Args:
        call: The id of the call (`Call.id`).
    """
    return hashlib.sha256(call.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def invocation(
    input: JSON,
    trigger: Mapping[str, Any],
    tenant_id: int | None,
    parent: str,
    own: Mapping[str, JSON],
    initiator: JSON = None,
) -> dict[str, JSON]:
    """Return the data of the event that starts a child.

    Args:
        input: The input of the child, an object.
        trigger: The data of the event that started the parent.
        tenant_id: The tenant of the parent.
        parent: Inngest's id of the parent's run.
        own: Additional data for the child's function.
        initiator: The person who started the parent, whom the child keeps unless it names another.

    Raises:
        SubprocessError: If the input is not an object, is too large, or the child is nested too deep.
    """
    if not isinstance(input, dict):
        raise SubprocessError("its input is not an object")
    lineage = trigger.get(LINEAGE)
    depth = lineage.get("depth") if isinstance(lineage, dict) else None
    below = (depth if type(depth) is int and depth > 0 else 0) + 1
    if below > MAX_DEPTH:
        raise SubprocessError(f"subprocesses are nested more than {MAX_DEPTH} deep")
    tenant = {} if tenant_id is None else {"tenant_id": tenant_id}
    kept = {} if initiator is None else {INITIATOR: initiator}
    data = {**input, **tenant, LINEAGE: {"depth": below, "parent": parent, **kept, **own}}
    if (problem := too_large(data)) is not None:
        raise SubprocessError(f"the event that starts it {problem}")
    return data


def was_cancelled(answer: Any) -> bool:
    """Return True if this is the event that Inngest returns in place of a cancelled child's result."""
    return isinstance(answer, dict) and answer.get("name") == PARENT_ENDED


def is_answer(answer: Any) -> bool:
    """Return True if this is the return value of a workflow's function."""
    return isinstance(answer, dict) and answer.keys() >= {"result", "output", "outcomes"}


def answered(workflow: str, answer: Any) -> JSON:
    """Read what Inngest returns for a child.

    Args:
        workflow: The id of the child's workflow, for messages.
        answer: The return value of the child's function.

    Returns:
        `{"result", "output"}`.

    Raises:
        SubprocessCancelled: If the child was cancelled.
        SubprocessError: If the function is not a workflow, or a number may have been rounded.
    """
    if is_answer(answer):
        problem = rounding_problem(answer["output"], "output")
        if problem is not None:
            raise SubprocessError(f"workflow `{workflow}`: {problem}")
        return {"result": answer["result"], "output": answer["output"]}
    if was_cancelled(answer):
        raise SubprocessCancelled(f"workflow `{workflow}` was cancelled")
    raise SubprocessError(f"function `{workflow}` does not return the result of a workflow")
