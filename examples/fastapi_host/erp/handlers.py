"""What the steps of drawn workflows do: designs can call the functions that are marked in here."""

from typing import Any

from proflow_runtime import Task, handler

from erp.models import Message, PurchaseOrder
from erp.vouchers import create_voucher

__all__ = ["archive", "create_voucher", "pay_supplier", "send_message"]

TEXTS = {
    "approved": "Your purchase order {} was approved.",
    "refused": "Your purchase order {} was refused.",
}


@handler
async def pay_supplier(task: Task) -> dict[str, Any]:
    """Pay once, however often the step is tried."""
    order = await _order(task)
    if order.paid_by is None:
        order.status, order.paid_by = "paid", task.idempotency_key
        await order.save()
    return {"order": order.id, "amount": order.amount}


@handler
async def archive(task: Task) -> dict[str, Any]:
    """Keep the papers."""
    order = await _order(task)
    await PurchaseOrder.filter(id=order.id).update(archived=True)
    return {"order": order.id}


@handler
async def send_message(task: Task) -> dict[str, Any]:
    """Tell the applicant what has become of their order."""
    order = await _order(task)
    template = task.input["template"]
    if template == "refused":
        await PurchaseOrder.filter(id=order.id).update(status="refused")
    text = TEXTS[template].format(order.id)
    await Message.create(tenant_id=task.tenant_id, recipient=order.applicant, text=text)
    return {"to": order.applicant}


async def _order(task: Task) -> PurchaseOrder:
    return await PurchaseOrder.get(id=task.input["order"], tenant_id=task.tenant_id)
