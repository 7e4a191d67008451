"""The model of the tokens of the standalone service."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from proflow_runtime.store.models.json_text import JsonText
from proflow_runtime.store.models.texts import ShortText


class ApiToken(Model):
    """A token of one user of one tenant; only its SHA-256 is stored."""

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    user = ShortText(max_length=200)
    permissions = JsonText(default=[])
    hash = ShortText(max_length=64, unique=True)
    name = ShortText(max_length=100)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "proflow_tokens"
        app = "proflow"
