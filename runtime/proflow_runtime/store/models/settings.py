"""The model of tenants' settings."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from proflow_runtime.store.models.json_text import JsonText
from proflow_runtime.store.models.texts import ShortText


class TenantSettingsRow(Model):
    """The settings of one tenant; `body` holds only those that it has made."""

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField(unique=True)
    body = JsonText()
    revision = fields.IntField(default=1)
    """Counts saves, so that concurrent edits are noticed."""
    updated_at = fields.DatetimeField()
    updated_by = ShortText(max_length=200, null=True)

    class Meta:
        table = "proflow_tenant_settings"
        app = "proflow"
