"""The model of the outbox: events that are written in a transaction and sent after its commit."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from proflow_runtime.store.models.json_text import JsonText
from proflow_runtime.store.models.texts import LongText, ShortText


class OutboxEvent(Model):
    """An event that is to be sent; Inngest accepts its `id` only once, however often it is sent.

    An event with an `effect` is sent again until its effect is seen: `begun` (the run has begun),
    `resumed` (the run has gone on from the approval `step`) or `ended` (the run has ended). Events of
    Inngest itself, by which runs call each other, are watched as well, but cannot be sent again.
    """

    id = ShortText(max_length=200, primary_key=True)
    tenant_id = fields.IntField()
    name = ShortText(max_length=255)
    data = JsonText()
    created_at = fields.DatetimeField()
    effect = ShortText(max_length=10, null=True)
    run_id = ShortText(max_length=64, null=True)
    """The run that has to show the effect."""
    step = ShortText(max_length=300, null=True)
    """For `resumed`: the execution of the approval in the run, such as `x[3]#2`, or the id of the
    called run. For `begun` of a called run: the id of its caller."""
    due_at = fields.DatetimeField(null=True, db_index=True)
    """When to send the event, or to send it again; None if it is never sent again."""
    claimed_until = fields.DatetimeField(null=True)
    """Until when one process has the event to itself; after that, another may send it."""
    sends = fields.IntField(default=0)
    """How often Inngest has accepted the event."""
    sent_at = fields.DatetimeField(null=True, db_index=True)
    """When Inngest accepted the event first."""
    seen_at = fields.DatetimeField(null=True, db_index=True)
    """When the effect was seen."""
    failed_at = fields.DatetimeField(null=True, db_index=True)
    """When the event was given up: Inngest rejected it for good, or it never had its effect."""
    failure = LongText(null=True)

    class Meta:
        table = "proflow_outbox"
        app = "proflow"
        indexes = (Index(fields=("run_id", "effect")), Index(fields=("step",)))
