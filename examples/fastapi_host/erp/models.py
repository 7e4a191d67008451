"""The ERP's own tables."""

from tortoise import fields
from tortoise.models import Model


class Employee(Model):
    """Who works for a tenant. `api_key` is how they sign in here; yours will be better."""

    id = fields.IntField(primary_key=True)
    tenant_id = fields.IntField(db_index=True)
    login = fields.CharField(max_length=50)
    api_key = fields.CharField(max_length=64, unique=True)
    manager = fields.CharField(max_length=50, null=True)
    role = fields.CharField(max_length=50, null=True)

    class Meta:
        table = "erp_employees"


class PurchaseOrder(Model):
    """`status`: submitted, paid, archived or refused; `run_id` is its approval's."""

    id = fields.IntField(primary_key=True)
    tenant_id = fields.IntField(db_index=True)
    applicant = fields.CharField(max_length=50)
    amount = fields.FloatField()
    status = fields.CharField(max_length=20, default="submitted")
    paid_by = fields.CharField(max_length=400, null=True, unique=True)
    """The idempotency key of the payment."""
    archived = fields.BooleanField(default=False)
    run_id = fields.CharField(max_length=64, null=True)

    class Meta:
        table = "erp_purchase_orders"


class Voucher(Model):
    """What the books say of a payment."""

    id = fields.IntField(primary_key=True)
    tenant_id = fields.IntField(db_index=True)
    order = fields.IntField()
    subject = fields.CharField(max_length=20)
    amount = fields.DecimalField(max_digits=12, decimal_places=2)
    key = fields.CharField(max_length=400, unique=True)
    """The idempotency key of the step that has booked it."""

    class Meta:
        table = "erp_vouchers"


class Message(Model):
    """What an employee is told."""

    id = fields.IntField(primary_key=True)
    tenant_id = fields.IntField()
    recipient = fields.CharField(max_length=50)
    text = fields.TextField()

    class Meta:
        table = "erp_messages"
