"""The models of designs, their published versions, definitions and triggers."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from proflow_runtime.store.models.json_text import JsonText
from proflow_runtime.store.models.texts import LongText, ShortText


class Design(Model):
    """A design that a tenant edits; `code` is also the id of its workflow."""

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    code = ShortText(max_length=100)
    name = ShortText(max_length=255)
    draft = JsonText()
    """The canvas as it was saved last, including keys that the host has added."""
    revision = fields.IntField(default=1)
    """Counts saves of the draft, so that concurrent edits are noticed."""
    published_version = fields.IntField(null=True)
    """The number of the version that new runs use; null if none is published."""
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    updated_by = ShortText(max_length=200, null=True)
    deleted_at = fields.DatetimeField(null=True)
    """When the design was deleted; its versions are kept for their runs."""

    class Meta:
        table = "proflow_designs"
        app = "proflow"
        unique_together = (("tenant_id", "code"),)


class StoredDefinition(Model):
    """A compiled definition; immutable, and shared by all versions that compile to the same."""

    digest = ShortText(max_length=80, primary_key=True)
    body = JsonText()

    class Meta:
        table = "proflow_definitions"
        app = "proflow"


class DesignVersion(Model):
    """A published version of a design.

    It never changes, except for its digest when the definition is compiled again for a newer format.
    """

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
    """An event or cron that starts or cancels runs of a published version.

    `kind` is `event`, `cron` or `cancel`. `key` is the event's name, or the cron with the time zone
    that the design names (`TZ=Asia/Shanghai 0 9 * * *`). A cron without one is in the tenant's zone.
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
    """For `cancel`: the seconds after the start of a run in which the event cancels it."""
    idempotency = LongText(null=True)
    cancellable = fields.BooleanField(default=False)
    """True if there is an event that cancels runs of the version."""

    class Meta:
        table = "proflow_triggers"
        app = "proflow"
        indexes = (Index(fields=("kind", "key", "tenant_id")),)
