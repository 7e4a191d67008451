"""The model of in-app notifications, one row for each recipient."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from proflow_runtime.store.models.texts import LongText, ShortText


class Notification(Model):
    """A notification that a user finds in the application.

    `key` identifies the step that has sent it, so that a repeated attempt sends nothing twice.
    """

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    user = ShortText(max_length=200)
    key = ShortText(max_length=64)
    title = ShortText(max_length=255)
    body = LongText()
    link = ShortText(max_length=500, null=True)
    run_id = ShortText(max_length=64, null=True)
    node = ShortText(max_length=200, null=True)
    created_at = fields.DatetimeField()
    read_at = fields.DatetimeField(null=True)

    class Meta:
        table = "proflow_notifications"
        app = "proflow"
        unique_together = (("tenant_id", "user", "key"),)
        indexes = (Index(fields=("tenant_id", "user", "read_at")),)
