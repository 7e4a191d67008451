"""The model of the outbox: events that are written in a transaction and sent after its commit."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from proflow_runtime.store.models.json_text import JsonText
from proflow_runtime.store.models.texts import LongText, ShortText


class OutboxEvent(Model):
    """An event that is to be sent; Inngest accepts its `id` only once, however often it is sent."""

    id = ShortText(max_length=200, primary_key=True)
    tenant_id = fields.IntField()
    name = ShortText(max_length=255)
    data = JsonText()
    created_at = fields.DatetimeField()
    claimed_until = fields.DatetimeField(null=True)
    """Until when one process has the event to itself; after that, another may send it."""
    sent_at = fields.DatetimeField(null=True, db_index=True)
    failed_at = fields.DatetimeField(null=True, db_index=True)
    """When Inngest rejected the event for good; it is not sent again."""
    failure = LongText(null=True)

    class Meta:
        table = "proflow_outbox"
        app = "proflow"
