"""One workflow inside another: what a child is started with, and what its end tells its parent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import inngest
from proflow_schemas.errors import ProFlowError

from proflow_runtime.flow.events import too_large
from proflow_runtime.values import JSON, rounded_on_the_way

MAX_DEPTH = 8
LINEAGE = "_proflow"
"""Where an event's data says that it starts a child: how deep down, and of which run."""

PARENT_ENDED = "inngest/function.finished"
OF_PARENT = f"async.data.run_id == event.data.{LINEAGE}.parent"
WITH_PARENT = inngest.Cancel(event=PARENT_ENDED, if_exp=OF_PARENT)
"""When a child is cancelled: its parent's run has ended, however it did. Only children match, since
elsewhere the field is missing."""

CALL_LEFT = "proflow/call.left"
OF_CALL = f"async.data.call == event.data.{LINEAGE}.call"
WITH_CALL = inngest.Cancel(event=CALL_LEFT, if_exp=OF_CALL)
"""When a child is cancelled besides: the item or the iteration that it was called in is over."""


class SubprocessError(ProFlowError):
    """A child could not be started, or did not come to an end of its own."""


class SubprocessCancelled(SubprocessError):
    """Somebody cancelled a child."""


def call_id(call: str) -> str:
    """What a child and the event that cancels it have in common.

    A digest, since a step's id may hold what Inngest's matching of events does not read.
    """
    return hashlib.sha256(call.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def invocation(
    input: JSON,
    trigger: Mapping[str, Any],
    tenant_id: int | None,
    parent: str,
    own: Mapping[str, JSON],
) -> dict[str, JSON]:
    """The data of a child's event. Raises `SubprocessError`.

    `trigger` is the data of the event that started the parent, `parent` Inngest's id of its run,
    `own` what the child's function has to know besides.
    """
    if not isinstance(input, dict):
        raise SubprocessError("its input is not an object")
    lineage = trigger.get(LINEAGE)
    depth = lineage.get("depth") if isinstance(lineage, dict) else None
    below = (depth if type(depth) is int and depth > 0 else 0) + 1
    if below > MAX_DEPTH:
        raise SubprocessError(f"subprocesses are nested more than {MAX_DEPTH} deep")
    tenant = {} if tenant_id is None else {"tenant_id": tenant_id}
    data = {**input, **tenant, LINEAGE: {"depth": below, "parent": parent, **own}}
    if (problem := too_large(data)) is not None:
        raise SubprocessError(f"the event that starts it {problem}")
    return data


def was_cancelled(answer: Any) -> bool:
    """Whether this is what Inngest says of a child that was cancelled: the event of its end."""
    return isinstance(answer, dict) and answer.get("name") == PARENT_ENDED


def answered(workflow: str, answer: JSON) -> JSON:
    """A child's `{"result", "output"}`. Raises `SubprocessError`, also for what no child says.

    For a cancelled child Inngest hands over the event of its end, in place of a result.
    """
    if isinstance(answer, dict):
        if answer.keys() >= {"result", "output", "outcomes"}:
            problem = rounded_on_the_way(answer["output"], "output")
            if problem is not None:
                raise SubprocessError(f"workflow `{workflow}`: {problem}")
            return {"result": answer["result"], "output": answer["output"]}
        if was_cancelled(answer):
            raise SubprocessCancelled(f"workflow `{workflow}` was cancelled")
    raise SubprocessError(f"function `{workflow}` is no workflow: its result is none of one")
