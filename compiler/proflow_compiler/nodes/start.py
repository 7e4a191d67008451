"""The start of a run."""

from proflow_compiler.nodes.lowering import Lowering, nothing

FIELDS = {
    "trigger": "what starts a run: one event or schedule, or a list",
    "initiator": "who started the run; `event.data.initiator_id` by default",
}

LOWERING = Lowering(
    type="start",
    title="Start",
    summary="Where a run begins. A design has exactly one.",
    example='{"id": "start", "type": "start", "data": {"trigger": {"event": "order/created"}}}',
    lower=nothing,
    fields=FIELDS,
    instant=True,
    notes="""\
Without a trigger, here or on the design, the event `<id>/start` starts a run.

`initiator` names who started the run; by default it is `event.data.initiator_id`.

A `cron` trigger has no tenant. Unless the design's `scope` is `system`, it becomes two functions:
one that sends the event `<id>/scheduled` for every tenant, and the workflow.
""",
)
