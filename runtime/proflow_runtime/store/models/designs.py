"""Designs of tenants, their published versions, and what these are looked up by."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from proflow_runtime.store.models.json_text import JsonText
from proflow_runtime.store.models.texts import LongText, ShortText


class Design(Model):
    """A drawing that a tenant works on; `code` is the id of the workflow that it becomes."""

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    code = ShortText(max_length=100)
    name = ShortText(max_length=255)
    draft = JsonText()
    """The canvas as it was saved last, with whatever else the host put there."""
    revision = fields.IntField(default=1)
    """Counts saves of the draft, so that two editors notice each other."""
    published_version = fields.IntField(null=True)
    """The version that new runs take; null: none."""
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    updated_by = ShortText(max_length=200, null=True)
    deleted_at = fields.DatetimeField(null=True)
    """Versions outlive it, for the runs of them."""

    class Meta:
        table = "proflow_designs"
        app = "proflow"
        unique_together = (("tenant_id", "code"),)


class StoredDefinition(Model):
    """What a version compiles to; immutable, and shared by all that compile to the same."""

    digest = ShortText(max_length=80, primary_key=True)
    body = JsonText()

    class Meta:
        table = "proflow_definitions"
        app = "proflow"


class DesignVersion(Model):
    """A published drawing; never changed, but for its digest when the format of definitions is."""

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    design_id: int
    design: fields.ForeignKeyRelation[Design] = fields.ForeignKeyField(
        "proflow.Design", related_name="versions", on_delete=fields.CASCADE
    )
    number = fields.IntField()
    canvas = JsonText()
    digest = ShortText(max_length=80)
    published_at = fields.DatetimeField()
    published_by = ShortText(max_length=200, null=True)

    class Meta:
        table = "proflow_versions"
        app = "proflow"
        unique_together = (("design", "number"),)


class Trigger(Model):
    """What starts or cancels runs of a tenant's published version.

    `kind`: `event`, `cron` or `cancel`; `key`: the event's name, or the cron with the time zone
    that the design names (`TZ=Asia/Shanghai 0 9 * * *`); where it names none, it is the tenant's.
    """

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    design_id: int
    design: fields.ForeignKeyRelation[Design] = fields.ForeignKeyField(
        "proflow.Design", related_name="triggers", on_delete=fields.CASCADE
    )
    workflow = ShortText(max_length=100)
    version = fields.IntField()
    digest = ShortText(max_length=80)
    kind = ShortText(max_length=10)
    key = ShortText(max_length=300)
    condition = LongText(null=True)
    timeout = fields.IntField(null=True)
    """Of a cancellation: for how many seconds from a run's start it counts."""
    idempotency = LongText(null=True)
    cancellable = fields.BooleanField(default=False)
    """Whether some event cancels runs of the version."""

    class Meta:
        table = "proflow_triggers"
        app = "proflow"
        indexes = (Index(fields=("kind", "key", "tenant_id")),)
