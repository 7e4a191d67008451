"""The models of attempts: those of whole runs, and those of single steps, with what they left."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from proflow_runtime.store.models.json_text import JsonText
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.models.texts import LongText, ShortText


class RunAttempt(Model):
    """One attempt at a run that was retried; a run that never was has no rows.

    The row of the attempt that goes on has no `status`: the run itself has it.
    """

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    run_id: str
    run: fields.ForeignKeyRelation[Run] = fields.ForeignKeyField(
        "proflow.Run", related_name="attempts", on_delete=fields.CASCADE
    )
    number = fields.IntField()
    version = fields.IntField()
    inngest_run_id = ShortText(max_length=100, null=True)
    status = ShortText(max_length=20, null=True)
    error = JsonText(null=True)
    started_by = ShortText(max_length=200, null=True)
    """The user who has retried the run; for the first attempt, who has started it."""
    reason = LongText(null=True)
    created_at = fields.DatetimeField()
    started_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "proflow_run_attempts"
        app = "proflow"
        unique_together = (("run", "number"),)


class StepResult(Model):
    """The result of a step as Inngest stores it, so that a later attempt can go on behind it.

    `attempt` is the attempt of the run in which the step was executed. The rows of a run are
    deleted when it has completed.
    """

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    run_id: str
    run: fields.ForeignKeyRelation[Run] = fields.ForeignKeyField(
        "proflow.Run", related_name="results", on_delete=fields.CASCADE
    )
    part = ShortText(max_length=200, default="")
    """The part of the definition that the step is in; empty for the run itself."""
    step = fields.CharField(max_length=64)
    """The hashed step id; for `{due}`, with `due:` before it."""
    attempt = fields.IntField()
    result = JsonText()
    """`{data}`, `{error}`, or `{due}` for a step that sleeps"""

    class Meta:
        table = "proflow_step_results"
        app = "proflow"
        unique_together = (("run", "part", "step"),)


class StepAttemptRow(Model):
    """One attempt at a step: its times, its failure, its log lines, and what it took and gave."""

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    run_id: str
    run: fields.ForeignKeyRelation[Run] = fields.ForeignKeyField(
        "proflow.Run", related_name="step_attempts", on_delete=fields.CASCADE
    )
    run_attempt = fields.IntField()
    node = ShortText(max_length=200)
    step = ShortText(max_length=300)
    """The node with its item and execution, such as `x[3]#2`."""
    number = fields.IntField()
    started_at = fields.DatetimeField()
    ended_at = fields.DatetimeField()
    error = JsonText(null=True)
    """`{name, message, traceback}`"""
    logs = JsonText(null=True)
    """`[{at, level, message}]`"""
    input = JsonText(null=True)
    output = JsonText(null=True)

    class Meta:
        table = "proflow_step_attempts"
        app = "proflow"
        indexes = (Index(fields=("run_id", "node", "id")), Index(fields=("tenant_id", "ended_at")))
