"""The models of approvals, their assignments to users, and the audit trail."""

from __future__ import annotations

from proflow_schemas.definition import RequestedPolicy
from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from proflow_runtime.store.models.json_text import JsonText
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.models.texts import LongText, ShortText


class Approval(Model):
    """One approval that a run waits for.

    `status` is `open`, or how the approval was resolved: `approved`, `rejected`, `returned`,
    `timeout`, `withdrawn` or `cancelled`.
    """

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    run_id: str
    run: fields.ForeignKeyRelation[Run] = fields.ForeignKeyField(
        "proflow.Run", related_name="approvals", on_delete=fields.CASCADE
    )
    workflow = ShortText(max_length=100)
    node = ShortText(max_length=200)
    step = ShortText(max_length=300)
    """The node with its item and execution, such as `x[3]#2`; unique in a run."""
    label = ShortText(max_length=255)
    answer_event = ShortText(max_length=255)
    answer_data = JsonText()
    """The data that the event that resumes the run must have, so that the run's wait matches."""
    mode = ShortText(max_length=20)
    pass_ratio = ShortText(max_length=30, null=True)
    """The share of approvers who must agree to reach a quorum, as an exact fraction (`3/5`)."""
    policy = JsonText()
    """The policy in its JSON form; `requested_policy` reads it."""
    initiator = ShortText(max_length=200, null=True)
    status = ShortText(max_length=20, default="open")
    opened_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(null=True)
    next_reminder_at = fields.DatetimeField(null=True, db_index=True)
    reminders_sent = fields.IntField(default=0)
    attempt = fields.IntField(default=1)
    """The attempt of the run that waits for it."""
    resolved_at = fields.DatetimeField(null=True)
    decided_by = ShortText(max_length=200, null=True)
    comment = LongText(null=True)

    @property
    def requested_policy(self) -> RequestedPolicy:
        """How the approvers are asked, and what happens if they do not decide in time."""
        return RequestedPolicy.model_validate(self.policy)

    class Meta:
        table = "proflow_approvals"
        app = "proflow"
        unique_together = (("run", "step"),)
        indexes = (Index(fields=("tenant_id", "status")),)


class Assignment(Model):
    """The assignment of an approval to one approver.

    `status` is `queued` (it is not the approver's turn yet), `open`, `approved`, `rejected`,
    `returned`, `transferred`, `skipped`, or `closed` (the approval was resolved without this vote).
    `origin` is `named`, `fallback`, `transfer`, `add-sign` or `stand-in`.
    """

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    approval_id: int
    approval: fields.ForeignKeyRelation[Approval] = fields.ForeignKeyField(
        "proflow.Approval", related_name="assignments", on_delete=fields.CASCADE
    )
    user = ShortText(max_length=200)
    position = fields.IntField()
    origin = ShortText(max_length=20, default="named")
    instead_of = ShortText(max_length=200, null=True)
    """The user from whom the assignment was transferred."""
    before_id: int | None
    before: fields.ForeignKeyNullableRelation[Assignment] = fields.ForeignKeyField(
        "proflow.Assignment", related_name="preceding", null=True, on_delete=fields.CASCADE
    )
    """The assignment whose turn comes after this one, if any."""
    status = ShortText(max_length=20, default="open")
    comment = LongText(null=True)
    acted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "proflow_assignments"
        app = "proflow"
        unique_together = (("approval", "user", "position"),)
        indexes = (Index(fields=("tenant_id", "user", "status")),)


class AuditEntry(Model):
    """An entry of the audit trail: who did what, and when. Entries are never changed."""

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    at = fields.DatetimeField()
    run_id = ShortText(max_length=64, null=True, db_index=True)
    approval_id = fields.BigIntField(null=True, db_index=True)
    actor = ShortText(max_length=200)
    act = ShortText(max_length=40)
    comment = LongText(null=True)
    details = JsonText(null=True)

    class Meta:
        table = "proflow_audit"
        app = "proflow"
        indexes = (Index(fields=("tenant_id", "at")),)
