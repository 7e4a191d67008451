"""采购审批 (purchase-approval).

Compiled by proflow from the design `purchase-approval`. Edit the design, not this file.
"""

from datetime import timedelta

import inngest
from proflow_runtime import (
    WITH_CALL,
    WITH_PARENT,
    ApprovalPolicy,
    Flow,
    Result,
    workflow,
)
from proflow_runtime.client import client

from . import handlers


@client.create_function(
    fn_id="purchase-approval",
    name="采购审批",
    trigger=inngest.TriggerEvent(event="approval/submit"),
    retries=4,
    concurrency=[inngest.Concurrency(limit=10, key="event.data.tenant_id")],
    cancel=[WITH_PARENT, WITH_CALL],
)
@workflow(
    digest="sha256:36d2737a14d5e523cbab1df36212ee94e6db01003a09c83eb766ad36efa6a42e",
    max_attempts=4,
    initiator="event.data.initiator_id",
)
async def purchase_approval(flow: Flow) -> Result:
    """Run 采购审批 (purchase-approval)."""

    # tell-refused · 通知申请人：未通过
    async def tell_refused() -> Result:
        await flow.run(
            "tell-refused",
            handlers.send_message,
            {"to": flow.get("event.data.applicant"), "template": "refused"},
        )
        return flow.end("end-refused", "rejected")

    # manager · 部门经理审批
    manager = await flow.approve(
        "manager", approvers=["role:department-manager"], timeout=timedelta(days=1)
    )
    if manager.outcome in ("rejected", "timeout"):
        return await tell_refused()
    if manager.outcome == "returned":
        return flow.stop("manager", manager.outcome)

    # amount · 金额判断
    amount = flow.choose(
        "amount", {"large": "event.data.amount > 10000"}, default="small"
    )
    if amount == "large":
        # directors · 董事会签
        directors = await flow.approve(
            "directors",
            approvers=["user:7", "user:9", "user:12"],
            policy=ApprovalPolicy(mode="all"),
            timeout=timedelta(days=3),
        )
        if directors.outcome in ("rejected", "timeout"):
            return await tell_refused()
        if directors.outcome == "returned":
            return flow.stop("directors", directors.outcome)

    # pay · 付款
    async def pay() -> None:
        await flow.run(
            "pay",
            handlers.pay_supplier,
            {
                "order": flow.get("event.data.order_id"),
                "amount": flow.get("event.data.amount"),
            },
        )

    # archive · 归档
    async def archive() -> None:
        await flow.run(
            "archive", handlers.archive, {"order": flow.get("event.data.order_id")}
        )

    await flow.parallel(pay, archive)

    # tell-approved · 通知申请人：已通过
    await flow.run(
        "tell-approved",
        handlers.send_message,
        {"to": flow.get("event.data.applicant"), "template": "approved"},
    )
    return flow.end("end-approved")


FUNCTIONS = [purchase_approval]
