"""Events that are to be sent: written in the transaction that decides them, sent after it."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from proflow_runtime.store.models.json_text import JsonText
from proflow_runtime.store.models.texts import LongText, ShortText


class OutboxEvent(Model):
    """`id` is the event's own, made of what it says: Inngest takes it once, however often it is
    sent."""

    id = ShortText(max_length=200, primary_key=True)
    tenant_id = fields.IntField()
    name = ShortText(max_length=255)
    data = JsonText()
    created_at = fields.DatetimeField()
    claimed_until = fields.DatetimeField(null=True)
    """Somebody is sending it; if it is still unsent by then, another may."""
    sent_at = fields.DatetimeField(null=True, db_index=True)
    failed_at = fields.DatetimeField(null=True, db_index=True)
    """Inngest does not take it; it is not tried again."""
    failure = LongText(null=True)

    class Meta:
        table = "proflow_outbox"
        app = "proflow"
