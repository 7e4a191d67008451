"""The models of people, departments, roles and delegations, which `TableResolver` reads."""

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
    """The id of the user who leads the department."""

    class Meta:
        table = "proflow_departments"
        app = "proflow"
        unique_together = (("tenant_id", "code"),)


class Person(Model):
    """A person of a tenant; `user` is the host's id of the person, as text."""

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.IntField()
    user = ShortText(max_length=200)
    name = ShortText(max_length=255)
    department = ShortText(max_length=200, null=True)
    manager = ShortText(max_length=200, null=True)
    """The id of the person's manager; null for the head of the department."""

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
    """`stand_in` may act for `user` for some time, in one workflow or, if null, in all."""

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
