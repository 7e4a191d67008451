"""The host's view of runs: one row per run, in the table that its other code reads."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from proflow_runtime.store.models.texts import LongText, ShortText


class InngestTask(Model):
    """A run as business code sees it: `status` is pending, running, completed, failed or cancelled."""

    id = fields.IntField(primary_key=True)
    tenant_id = fields.IntField(db_index=True)
    task_type = ShortText(max_length=50)
    business_id = fields.IntField(null=True)
    inngest_function_id = ShortText(max_length=100)
    inngest_run_id = ShortText(max_length=100, null=True, db_index=True)
    status = ShortText(max_length=20, default="pending")
    error_message = LongText(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "root_inngest_tasks"
        app = "proflow"
        indexes = (Index(fields=("task_type", "business_id")),)
