"""The model of the host's table of runs, which other code of the host may read."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from proflow_runtime.store.models.texts import LongText, ShortText


class InngestTask(Model):
    """One run, as business code sees it, in the table `root_inngest_tasks`.

    Attributes:
        id: The id of the row.
        tenant_id: The tenant that owns the run.
        task_type: The workflow's task type.
        business_id: The host's id of the record that the run is about.
        inngest_function_id: The id of the Inngest function that performs the run.
        inngest_run_id: The run's id in Inngest; None until Inngest has begun it.
        status: `pending`, `running`, `completed`, `failed` or `cancelled`.
        error_message: Why the run failed.
        created_at: When the row was created.
        updated_at: When the status last changed.
    """

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
