"""The models of runs of stored designs, with the states of their nodes."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from proflow_runtime.store.models.json_text import JsonText
from proflow_runtime.store.models.tasks import InngestTask
from proflow_runtime.store.models.texts import LongText, ShortText


class Run(Model):
    """A run of a stored design.

    `id` is given before Inngest begins the run, and is what expressions see as `run.id`. `status` is
    `pending` (Inngest has not begun it), `running`, `waiting`, `completed`, `failed` or `cancelled`.
    """

    id = ShortText(max_length=64, primary_key=True)
    tenant_id = fields.IntField()
    workflow = ShortText(max_length=100)
    version = fields.IntField()
    digest = ShortText(max_length=80)
    inngest_run_id = ShortText(max_length=100, null=True, db_index=True)
    task_id: int | None
    task: fields.ForeignKeyNullableRelation[InngestTask] = fields.ForeignKeyField(
        "proflow.InngestTask", related_name="runs", null=True, on_delete=fields.SET_NULL
    )
    parent = ShortText(max_length=64, null=True)
    """For a subprocess, the id of the calling run."""
    retried_from = ShortText(max_length=64, null=True)
    """For a retry, the id of the run that was started again."""
    event = JsonText()
    """The event that started the run, `{name, id, ts, data}`."""
    business_id = fields.IntField(null=True)
    started_by = ShortText(max_length=200, null=True)
    status = ShortText(max_length=20, default="pending")
    attempt = fields.IntField(default=1)
    """Counts how often the run was begun; going on from a failure is the next attempt."""
    due_at = fields.DatetimeField(null=True, db_index=True)
    """When the run times out, by the `timeouts` of its design; None if it does not."""
    revision = fields.IntField(default=0)
    """Counts the changes of the run and of its nodes."""
    result = LongText(null=True)
    output = JsonText(null=True)
    error = JsonText(null=True)
    """`{name, message}`"""
    blocked = JsonText(null=True)
    """Which steps need what the deployment lacks; see `store.blocking`."""
    blocked_at = fields.DatetimeField(null=True, db_index=True)
    created_at = fields.DatetimeField()
    started_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "proflow_runs"
        app = "proflow"
        indexes = (
            Index(fields=("tenant_id", "created_at")),
            Index(fields=("tenant_id", "workflow", "status")),
            Index(fields=("tenant_id", "ended_at")),
            Index(fields=("task_id",)),
        )


class NodeStateRow(Model):
    """The state of a node in a run.

    For a node inside foreach containers, `items` holds the index of its item in each, such as `0,3`.
    """

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    run_id: str
    run: fields.ForeignKeyRelation[Run] = fields.ForeignKeyField(
        "proflow.Run", related_name="nodes", on_delete=fields.CASCADE
    )
    node = ShortText(max_length=200)
    items = ShortText(max_length=100, default="")
    round = fields.IntField(default=1)
    view = fields.IntField(default=0)
    """The view of the replay that has observed this status; see `Snapshot.view`."""
    status = ShortText(max_length=20)
    outcome = JsonText(null=True)
    attempts = fields.IntField(null=True)
    error = JsonText(null=True)
    notes = JsonText(null=True)
    started_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "proflow_node_states"
        app = "proflow"
        unique_together = (("run", "node", "items"),)


class NodeChange(Model):
    """A change of a node's state, or, with an empty `node`, of the run itself; never changed.

    `revision` is the revision of the run after the change.
    """

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    run_id: str
    run: fields.ForeignKeyRelation[Run] = fields.ForeignKeyField(
        "proflow.Run", related_name="changes", on_delete=fields.CASCADE
    )
    revision = fields.IntField()
    at = fields.DatetimeField()
    node = ShortText(max_length=200, default="")
    items = ShortText(max_length=100, default="")
    round = fields.IntField(default=1)
    status = ShortText(max_length=20)
    outcome = JsonText(null=True)
    attempts = fields.IntField(null=True)
    error = JsonText(null=True)
    notes = JsonText(null=True)

    class Meta:
        table = "proflow_node_changes"
        app = "proflow"
        indexes = (Index(fields=("run_id", "id")), Index(fields=("tenant_id", "at")))
