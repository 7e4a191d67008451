"""The model of the log of administration."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from proflow_runtime.store.models.json_text import JsonText
from proflow_runtime.store.models.texts import ShortText


class AdministrationEntry(Model):
    """An act of administration: who did what to what, when, and from where; never changed."""

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    at = fields.DatetimeField()
    actor = ShortText(max_length=200)
    act = ShortText(max_length=40)
    subject = ShortText(max_length=200)
    """What it was done to, such as the code of a design or the id of a run."""
    details = JsonText(null=True)
    address = ShortText(max_length=100, null=True)
    """The network address of the client, or `command line`."""

    class Meta:
        table = "proflow_administration"
        app = "proflow"
        indexes = (Index(fields=("tenant_id", "id")),)
