"""等待付款 (wait-for-payment).

Compiled by proflow from the design `wait-for-payment`. Edit the design, not this file.
"""

from datetime import timedelta

import inngest
from proflow_runtime import WITH_CALL, WITH_PARENT, Flow, Result, Retry, workflow
from proflow_runtime.client import client

from . import handlers


@client.create_function(
    fn_id="wait-for-payment",
    name="等待付款",
    trigger=inngest.TriggerEvent(event="order/submitted"),
    retries=4,
    cancel=[WITH_PARENT, WITH_CALL],
)
@workflow(
    digest="sha256:8dc1bcb36ab2cbb9bb20177247dba331b9cc74120e6e49f1923d51cb72bbee0a",
    initiator="event.data.initiator_id",
    channels=("sms",),
)
async def wait_for_payment(flow: Flow) -> Result:
    """Run 等待付款 (wait-for-payment)."""
    # totals · 计算金额
    flow.set(
        "totals",
        {
            "total": "event.data.amount * 1.13",
            "large": "event.data.amount > 10000",
            "title": '"订单 " + event.data.order_id',
        },
    )

    # create-bill · 创建账单
    await flow.http(
        "create-bill",
        method="POST",
        url="https://pay.example.com/v1/bills",
        headers={"X-Tenant": flow.get("tenant_id")},
        body={
            "order": flow.get("event.data.order_id"),
            "total": flow.get("steps.totals.output.total"),
        },
        timeout=timedelta(seconds=20),
        retry=Retry(max_attempts=2, initial_interval=timedelta(seconds=30)),
    )

    # ask · 请客户付款
    async def ask() -> None:
        await flow.notify(
            "ask",
            channel="sms",
            to=flow.get("event.data.phone"),
            content=flow.text(
                '${steps.totals.output.title}：${steps["create-bill"].output.body.url}'
            ),
        )

    # paid · 等待付款
    paid = await flow.wait(
        "paid",
        "payment/received",
        match="data.order_id",
        timeout=timedelta(days=2),
        armed_with=ask,
    )
    if paid.outcome == "timeout":
        # cancel-bill · 取消账单
        await flow.http(
            "cancel-bill",
            method="DELETE",
            url=flow.text(
                'https://pay.example.com/v1/bills/${steps["create-bill"].output.body.id}'
            ),
        )
        return flow.end("end-unpaid", "unpaid")

    # method · 付款方式
    method = flow.choose(
        "method",
        {
            "alipay": 'steps.paid.output.method == "alipay"',
            "wechat": 'steps.paid.output.method == "wechat"',
            "unionpay": 'steps.paid.output.method == "unionpay"',
            "card": 'steps.paid.output.method == "card"',
            "transfer": 'steps.paid.output.method == "transfer"',
            "cash": 'steps.paid.output.method == "cash"',
        },
        default="other",
    )
    match method:
        case "alipay":
            # book-alipay · 记账 alipay
            await flow.run(
                "book-alipay",
                handlers.book_payment,
                {"account": "alipay", "order": flow.get("event.data.order_id")},
            )
        case "wechat":
            # book-wechat · 记账 wechat
            await flow.run(
                "book-wechat",
                handlers.book_payment,
                {"account": "wechat", "order": flow.get("event.data.order_id")},
            )
        case "unionpay":
            # book-unionpay · 记账 unionpay
            await flow.run(
                "book-unionpay",
                handlers.book_payment,
                {"account": "unionpay", "order": flow.get("event.data.order_id")},
            )
        case "card":
            # book-card · 记账 card
            await flow.run(
                "book-card",
                handlers.book_payment,
                {"account": "card", "order": flow.get("event.data.order_id")},
            )
        case "transfer":
            # book-transfer · 记账 transfer
            await flow.run(
                "book-transfer",
                handlers.book_payment,
                {"account": "transfer", "order": flow.get("event.data.order_id")},
            )
        case "cash":
            # book-cash · 记账 cash
            await flow.run(
                "book-cash",
                handlers.book_payment,
                {"account": "cash", "order": flow.get("event.data.order_id")},
            )
        case "other":
            return flow.fail("end-unknown", "unknown-method")
        case _:
            raise flow.unexpected(method, of="method")

    # until-shipping · 等到发货日
    await flow.sleep_until("until-shipping", flow.get("event.data.ship_at"))

    # ship · 发货
    await flow.run("ship", handlers.ship, {"order": flow.get("event.data.order_id")})
    return flow.end(
        "end",
        output={
            "total": flow.get("steps.totals.output.total"),
            "method": flow.get("steps.paid.output.method"),
        },
    )


FUNCTIONS = [wait_for_payment]
