"""Who works where: what the default resolver of approvers reads."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from proflow_runtime.store.models.texts import ShortText


class Department(Model):
    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    code = ShortText(max_length=200)
    name = ShortText(max_length=255)
    parent = ShortText(max_length=200, null=True)
    head = ShortText(max_length=200, null=True)
    """The user who leads it."""

    class Meta:
        table = "proflow_departments"
        app = "proflow"
        unique_together = (("tenant_id", "code"),)


class Person(Model):
    """`user` is the host's id of somebody, as a text."""

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    user = ShortText(max_length=200)
    name = ShortText(max_length=255)
    department = ShortText(max_length=200, null=True)
    manager = ShortText(max_length=200, null=True)
    """Whom they report to; null: the head of their department."""

    class Meta:
        table = "proflow_people"
        app = "proflow"
        unique_together = (("tenant_id", "user"),)


class PersonRole(Model):
    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    user = ShortText(max_length=200)
    role = ShortText(max_length=200)

    class Meta:
        table = "proflow_roles"
        app = "proflow"
        unique_together = (("tenant_id", "role", "user"),)


class Delegation(Model):
    """Somebody stands in for somebody else, for a time, in all workflows or in one."""

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    user = ShortText(max_length=200)
    stand_in = ShortText(max_length=200)
    workflow = ShortText(max_length=100, null=True)
    starts_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()

    class Meta:
        table = "proflow_delegations"
        app = "proflow"
        indexes = (Index(fields=("tenant_id", "user")),)
