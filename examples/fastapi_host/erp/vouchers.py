"""A node type of the ERP's own: 生成凭证, with a form in the editor, checked and retried as any other."""

from decimal import Decimal
from typing import Literal

from proflow_runtime import Task, node_type
from pydantic import BaseModel, Field

from erp.models import Voucher


class VoucherConfig(BaseModel):
    """What a person sets up on the canvas; each field may be computed: `${…}`."""

    order: int = Field(title="订单", description="the number of the order that was paid")
    amount: Decimal = Field(title="金额", gt=0)
    subject: Literal["1001", "1002", "1012"] = Field(default="1002", title="科目")


class Booked(BaseModel):
    """What later nodes read as `steps.<id>.output`."""

    number: str
    amount: Decimal


@node_type("voucher", title={"zh": "生成凭证", "en": "Voucher"}, icon="file-text", aliases=["凭证"])
async def create_voucher(task: Task[VoucherConfig]) -> Booked:
    """Books a payment, once, however often the step is tried."""
    asked = task.input
    voucher, _ = await Voucher.get_or_create(
        key=task.idempotency_key,
        defaults={
            "tenant_id": task.tenant_id,
            "order": asked.order,
            "subject": asked.subject,
            "amount": asked.amount,
        },
    )
    return Booked(number=f"记-{voucher.id:04}", amount=voucher.amount)
